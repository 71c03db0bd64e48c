"""What a vehicle weighs empty, as its keeper states and banks agree."""
