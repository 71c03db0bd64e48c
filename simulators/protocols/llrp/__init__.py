"""A simulated UHF RFID reader that speaks LLRP 1.0.1 and 1.1."""
