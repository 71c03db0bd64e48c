"""`tallyhouse bench`: figures of the product's speed, as ratios within one run, on real processes."""
