"""Units, lots, vehicles and what the books claim or expect of them."""
