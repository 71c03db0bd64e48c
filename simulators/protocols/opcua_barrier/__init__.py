"""A barrier as an object of an OPC UA server."""
