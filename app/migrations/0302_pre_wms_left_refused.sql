-- A stay that ended past the gate's refusal teaches nothing of what the vehicle weighs empty.
ALTER TABLE wms.visit ADD COLUMN left_refused boolean NOT NULL DEFAULT false;
