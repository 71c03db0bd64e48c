-- Numbers between the first and the last of a boot that never came: a gap is an alarm, not a detail.

CREATE VIEW devices.seen_missing WITH (security_barrier) AS
SELECT d.site_id, w.device_id, sum(
        upper(w.settled) - lower(w.settled) - (SELECT sum(upper(span) - lower(span)) FROM unnest(w.settled) AS span)
    )::bigint AS missing_count
FROM devices.watermark w JOIN devices.device d USING (device_id)
WHERE d.site_id IN (SELECT identity.visible_subjects()) AND NOT isempty(w.settled)
GROUP BY d.site_id, w.device_id;
COMMENT ON VIEW devices.seen_missing IS 'Per device of the sites that the current party may see: how many sequence numbers are missing between others that came.';
GRANT SELECT ON devices.seen_missing TO tallyhouse_read;
