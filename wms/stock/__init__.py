"""The stock journal, balances and holds."""
