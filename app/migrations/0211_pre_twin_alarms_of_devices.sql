-- A device that was copied concerns every party that may look at the site's devices, whatever goods it sees.

CREATE POLICY see_of_devices ON twin.alarm FOR SELECT TO tallyhouse_read USING (
    kind = 'device_cloned' AND 'devices:' || site_id IN (SELECT identity.visible_subjects()));
