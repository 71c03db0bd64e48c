-- A party reads who let its people in: an admin of its own, or the shell of the installation.

ALTER TABLE identity.person ADD COLUMN added_by text NOT NULL DEFAULT '';
COMMENT ON COLUMN identity.person.added_by IS 'The person who opened the account; product:admin for the shell, empty for accounts from before this was kept.';
