-- What a party could see once: for documents that it keeps as they were when its right ended.

CREATE FUNCTION identity.known_subjects() RETURNS TABLE (subject_id text, seen_until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp
BEGIN ATOMIC
    SELECT a.subject_id,
        CASE WHEN NOT bool_or(
                a.valid_to IS NULL OR a.valid_to > current_setting('tallyhouse.at', true)::timestamptz)
            THEN max(a.valid_to) END
    FROM identity.access a
    WHERE a.party_id = current_setting('tallyhouse.party', true)
        AND a.valid_from <= current_setting('tallyhouse.at', true)::timestamptz
    GROUP BY a.subject_id;
END;
COMMENT ON FUNCTION identity.known_subjects() IS 'The subjects the current party may see or could see before the transaction''s time; seen_until is when its last right ended, null while it has one.';

CREATE FUNCTION identity.seen_until(subject text) RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = identity, pg_temp
BEGIN ATOMIC
    SELECT max(a.valid_to) FROM identity.access a
    WHERE a.party_id = current_setting('tallyhouse.party', true) AND a.subject_id = seen_until.subject
        AND a.valid_to <= current_setting('tallyhouse.at', true)::timestamptz;
END;
COMMENT ON FUNCTION identity.seen_until(text) IS 'When the current party''s last right to the subject that is over ended; null when none is.';
