"""Receipts, pledges, facilities, loans and the ledger. Money is lent only against stock that was seen."""
