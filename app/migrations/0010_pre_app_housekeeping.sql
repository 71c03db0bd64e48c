-- What the hourly jobs may remove.

GRANT DELETE ON app.idempotency TO tallyhouse_command;
