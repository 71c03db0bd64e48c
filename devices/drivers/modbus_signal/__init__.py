"""Traffic lights and beacons switched and watched over Modbus TCP."""
