-- A unit that was set down in no slot and in no staging zone, such as in an aisle, lies on the floor.

ALTER TABLE twin.unit DROP CONSTRAINT unit_place_check;
ALTER TABLE twin.unit ADD CONSTRAINT unit_place_check
    CHECK (place IN ('slot', 'staging', 'floor', 'gate', 'vehicle', 'left', 'unknown')) NOT VALID;
ALTER TABLE twin.unit VALIDATE CONSTRAINT unit_place_check;
