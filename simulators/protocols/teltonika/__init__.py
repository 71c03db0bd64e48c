"""Vehicle terminals that speak Teltonika's codecs and keep what was not taken."""
