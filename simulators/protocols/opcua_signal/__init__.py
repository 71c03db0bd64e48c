"""A traffic light as an object of an OPC UA server."""
