"""What people look at: the scene of a site, its live stream, its activity; and the web pages."""
