"""The composition root: settings, wiring, roles, server, database, broker, migrations and the CLI."""
