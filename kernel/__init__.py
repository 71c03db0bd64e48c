"""Shared words: ids, time, units, money, places, GS1 codes and messages. No input or output."""
