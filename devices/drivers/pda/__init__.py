"""Handhelds that people scan with, over HTTP."""
