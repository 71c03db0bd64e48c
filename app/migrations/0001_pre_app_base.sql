-- The product's own bookkeeping: what is installed, who may connect as what, commands answered, events.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tallyhouse_command') THEN
        CREATE ROLE tallyhouse_command NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tallyhouse_read') THEN
        CREATE ROLE tallyhouse_read NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tallyhouse_app') THEN
        CREATE ROLE tallyhouse_app LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT;
    END IF;
END
$$;
GRANT tallyhouse_command, tallyhouse_read TO tallyhouse_app;

CREATE TABLE app.idempotency (
    caller text NOT NULL,
    key text NOT NULL,
    command text NOT NULL,
    request_sha256 text NOT NULL,
    answer jsonb NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (caller, key)
);
COMMENT ON TABLE app.idempotency IS 'The answer given to each command, by caller and key: the same key gets the same answer.';
CREATE INDEX ON app.idempotency (answered_at);

CREATE TABLE app.event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind text NOT NULL,
    site_id text,
    occurred_at timestamptz NOT NULL,
    caused_by text NOT NULL,
    payload jsonb NOT NULL
);
COMMENT ON TABLE app.event IS 'The outbox: events written in the transaction that caused them. Read in (xid, event_id) order below the oldest running transaction, so that no late commit is skipped.';
CREATE INDEX ON app.event (xid, event_id);
CREATE INDEX ON app.event (site_id, event_id);

CREATE TABLE app.cursor (
    consumer text PRIMARY KEY,
    xid xid8 NOT NULL,
    position bigint NOT NULL,
    epoch bigint NOT NULL
);
COMMENT ON TABLE app.cursor IS 'How far each consumer of a journal has come. Its row is locked while a batch is applied; epoch fences off an owner that was replaced.';

CREATE TABLE app.dead_letter (
    dead_letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    position bigint NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    error text NOT NULL,
    tries integer NOT NULL CHECK (tries > 0),
    failed_at timestamptz NOT NULL,
    settled_at timestamptz,
    UNIQUE (consumer, position)
);
COMMENT ON TABLE app.dead_letter IS 'What a consumer could not apply: retried, then set aside here with the reason, never dropped.';

CREATE TABLE app.audit_record (
    audit_record_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    caller text NOT NULL,
    party_id text NOT NULL,
    command text NOT NULL,
    body jsonb NOT NULL
);
COMMENT ON TABLE app.audit_record IS 'Every command that was carried out: who, what, when. Append only.';

GRANT SELECT, INSERT ON app.event, app.audit_record TO tallyhouse_command;
GRANT SELECT, INSERT, UPDATE ON app.idempotency, app.cursor, app.dead_letter TO tallyhouse_command;
GRANT SELECT ON app.event, app.cursor TO tallyhouse_read;

CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_xid := pg_current_xact_id();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION app.touch() IS 'Trigger for tables with a changed_xid column: readers follow changes by transaction id, below the oldest running one.';
