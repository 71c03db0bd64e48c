"""`tallyhouse simulate`: a world and the product under one simulated clock, without sockets."""
