-- Parties, people, sessions and the access relation.

CREATE TABLE identity.party (
    party_id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('bank', 'keeper', 'owner', 'carrier')),
    name text NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE identity.party IS 'Banks, keepers (warehouses), owners of goods (borrowers) and carriers.';

CREATE TABLE identity.person (
    person_id text PRIMARY KEY,
    party_id text NOT NULL REFERENCES identity.party,
    username text NOT NULL UNIQUE CHECK (username = lower(username)),
    display_name text NOT NULL,
    roles text[] NOT NULL CHECK (
        cardinality(roles) > 0
        AND roles <@ ARRAY['operator', 'picker', 'keeper', 'officer', 'approver', 'borrower', 'auditor', 'admin']
    ),
    password_hash text NOT NULL,
    locale text CHECK (locale IN ('zh', 'en')),
    created_at timestamptz NOT NULL,
    disabled_at timestamptz
);
COMMENT ON TABLE identity.person IS 'A person who signs in. The password is kept as an argon2id hash only. No locale: the person has chosen none, pages go by the browser.';

CREATE TABLE identity.session (
    token_sha256 text PRIMARY KEY,
    session_id text NOT NULL UNIQUE,
    person_id text NOT NULL REFERENCES identity.person,
    csrf_token text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz
);
COMMENT ON TABLE identity.session IS 'A signed-in browser. Only the digest of its cookie is kept.';
CREATE INDEX ON identity.session (person_id);

CREATE TABLE identity.access (
    party_id text NOT NULL REFERENCES identity.party,
    subject_id text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    cause text NOT NULL,
    PRIMARY KEY (party_id, subject_id, valid_from),
    CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
COMMENT ON TABLE identity.access IS 'Which party may see which subject (a site, lot, receipt or facility), from when to when. Row-level security rests on it.';
CREATE INDEX ON identity.access (subject_id);

CREATE FUNCTION identity.current_party() RETURNS text LANGUAGE sql STABLE
RETURN current_setting('tallyhouse.party', true);

CREATE FUNCTION identity.visible_subjects() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp
BEGIN ATOMIC
    SELECT a.subject_id
    FROM identity.access a
    WHERE a.party_id = current_setting('tallyhouse.party', true)
        AND a.valid_from <= current_setting('tallyhouse.at', true)::timestamptz
        AND (a.valid_to IS NULL OR a.valid_to > current_setting('tallyhouse.at', true)::timestamptz);
END;
COMMENT ON FUNCTION identity.visible_subjects() IS 'The subjects the current party may see at the transaction''s time.';

CREATE FUNCTION identity.names_of(person_ids text[]) RETURNS TABLE (person_id text, display_name text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp
BEGIN ATOMIC
    SELECT p.person_id, p.display_name FROM identity.person p WHERE p.person_id = ANY (names_of.person_ids);
END;
COMMENT ON FUNCTION identity.names_of(text[]) IS 'The names shown for people whose ids the caller knows already. Accounts themselves stay closed to views.';
REVOKE EXECUTE ON FUNCTION identity.names_of(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION identity.names_of(text[]) TO tallyhouse_command, tallyhouse_read;

GRANT SELECT, INSERT, UPDATE ON identity.party, identity.person, identity.session, identity.access TO tallyhouse_command;
GRANT SELECT ON identity.party TO tallyhouse_read;

CREATE TABLE identity.failed_sign_in (
    username text NOT NULL,
    failed_at timestamptz NOT NULL
);
COMMENT ON TABLE identity.failed_sign_in IS 'Failed sign-ins by name, known or not: ten within fifteen minutes close the name for a while.';
CREATE INDEX ON identity.failed_sign_in (username, failed_at);
GRANT SELECT, INSERT ON identity.failed_sign_in TO tallyhouse_command;
