-- What was announced wrongly is taken back before anything of it arrives; its labels and tags may be announced anew.
ALTER TABLE wms.visit ADD COLUMN cancelled_reason text CHECK (cancelled_reason IS NULL OR state = 'cancelled');

ALTER TABLE wms.delivery DROP CONSTRAINT delivery_state_check;
ALTER TABLE wms.delivery ADD CONSTRAINT delivery_state_check
    CHECK (state IN ('announced', 'arrived', 'receiving', 'received', 'cancelled'));

ALTER TABLE wms.unit ADD COLUMN withdrawn_at timestamptz;
COMMENT ON COLUMN wms.unit.withdrawn_at IS 'When its announcement was taken back: it never came, and its codes are free.';
ALTER TABLE wms.unit DROP CONSTRAINT unit_site_id_sscc_key, DROP CONSTRAINT unit_site_id_epc_hex_key;
CREATE UNIQUE INDEX unit_sscc ON wms.unit (site_id, sscc) WHERE withdrawn_at IS NULL;
CREATE UNIQUE INDEX unit_epc ON wms.unit (site_id, epc_hex) WHERE withdrawn_at IS NULL;
