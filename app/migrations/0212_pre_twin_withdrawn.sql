-- What was announced wrongly and was never heard is forgotten by the twin: its tags may be declared anew.
GRANT DELETE ON twin.unit, twin.expected_arrival TO tallyhouse_command;
