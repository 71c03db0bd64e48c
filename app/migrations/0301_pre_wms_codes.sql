-- A label or tag that is live in stock at one site is looked for from every other; opening stock is over once goods
-- of the site were put on hold or under a receipt; and what left on a stay is found by the decisions about it.

CREATE INDEX unit_sscc_anywhere ON wms.unit (sscc) WHERE sscc IS NOT NULL;
CREATE INDEX unit_tag_anywhere ON wms.unit (epc_hex) WHERE epc_hex IS NOT NULL;
CREATE INDEX ON wms.gate_decision (visit_id);

CREATE TABLE wms.opening_end (
    site_id text PRIMARY KEY,
    ended_at timestamptz NOT NULL
);
COMMENT ON TABLE wms.opening_end IS 'Sites whose opening stock is over: goods there were put on hold or under a receipt, and since then goods come in by deliveries alone.';

INSERT INTO wms.opening_end (site_id, ended_at) SELECT site_id, min(placed_at) FROM wms.hold GROUP BY site_id;

GRANT SELECT ON wms.opening_end TO tallyhouse_read;
GRANT SELECT, INSERT ON wms.opening_end TO tallyhouse_command;
ALTER TABLE wms.opening_end ENABLE ROW LEVEL SECURITY;
ALTER TABLE wms.opening_end FORCE ROW LEVEL SECURITY;
CREATE POLICY see ON wms.opening_end FOR SELECT TO tallyhouse_read USING (site_id IN (SELECT identity.visible_subjects()));
CREATE POLICY act ON wms.opening_end TO tallyhouse_command USING (true) WITH CHECK (true);
