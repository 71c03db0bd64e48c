"""Traffic lights and beacons switched by methods of an OPC UA server."""
