"""`tallyhouse new driver`: one that works and passes the kit, to be changed into the one that is wanted."""
