"""From a reading to the journal: checked, stored once, acknowledged after commit."""
