-- A device's connection holds what its family's manifest asks for and nothing else.
UPDATE devices.device SET connection = CASE family
    WHEN 'llrp' THEN connection - 'unit'
    WHEN 'modbus_weighbridge' THEN connection - 'antennas'
    WHEN 'modbus_barrier' THEN connection - 'antennas'
    ELSE '{}'::jsonb
END;
UPDATE devices.device SET connection = connection - 'antennas' WHERE connection->'antennas' = '[]'::jsonb;
