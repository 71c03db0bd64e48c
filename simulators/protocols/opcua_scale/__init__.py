"""A scale of the OPC UA weighing model."""
