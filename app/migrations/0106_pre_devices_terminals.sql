-- Terminals that dial us: the name each introduces itself by, and the authentication code it was issued.

ALTER TABLE devices.device ADD COLUMN terminal_name text;
ALTER TABLE devices.device ADD COLUMN code_sha256 text;
ALTER TABLE devices.device ADD COLUMN code_issued_at timestamptz;
ALTER TABLE devices.device ADD COLUMN code_used_at timestamptz;
ALTER TABLE devices.device ADD CONSTRAINT device_code CHECK (
    (code_sha256 IS NULL) = (code_issued_at IS NULL) AND (code_used_at IS NULL OR code_issued_at IS NOT NULL)
);
COMMENT ON COLUMN devices.device.terminal_name IS 'What a terminal that dials us calls itself (an IMEI, a number in its SIM card); of a family, no two devices in service share one.';
COMMENT ON COLUMN devices.device.code_sha256 IS 'Digest of the authentication code that its terminal was issued. One is issued anew until it has been used; enrolling the device again takes it back.';
CREATE UNIQUE INDEX device_terminal_name ON devices.device (family, terminal_name) WHERE retired_at IS NULL;
