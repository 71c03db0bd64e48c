"""Who people are and what they may see: parties, accounts, sessions, roles, the access relation."""
