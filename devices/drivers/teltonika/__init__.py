"""Vehicle terminals that speak Teltonika's codecs."""
