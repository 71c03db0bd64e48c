-- A new key ends the acceptances of all parties but the one that gave it: they vouched for a device that only the old
-- key could speak for.

ALTER TABLE devices.acceptance DROP CONSTRAINT acceptance_end_cause_check;
ALTER TABLE devices.acceptance ADD CONSTRAINT acceptance_end_cause_check
    CHECK (end_cause IN ('enrolled', 'distrusted', 'layout', 'rekeyed'));
