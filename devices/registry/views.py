"""What the device screens show."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from pydantic import BaseModel

from devices.families import FAMILIES, Family, Value
from devices.messages import CLOCK_AHEAD_MAX, GATE_SILENCE_MAX, Unvouched, Unwatched, VouchedByOthers
from devices.quality import Tier, tier_of
from devices.registry.model import INSPECTION, State, shown_state
from kernel.errors import Invalid, NotFound
from kernel.tx import ReadTx

RAW_PREVIEW_BYTES = 120
CURSOR_JOIN = "/"

DEVICES = """
    SELECT d.device_id, d.site_id, d.family, d.mount_id, d.subject_ref, d.retired_at, d.connection,
        d.enrolment, d.enrolled_at, e.name AS enrolled_by, d.accepted_at, a.name AS accepted_by,
        ARRAY(SELECT jsonb_build_object('party', p.name, 'accepted_at', c.accepted_at,
                'is_own', c.party_id = identity.current_party())
            FROM devices.acceptance c LEFT JOIN identity.party p ON p.party_id = c.party_id
            WHERE c.device_id = d.device_id AND c.ended_at IS NULL
            ORDER BY c.accepted_at, c.party_id) AS acceptances,
        CASE WHEN d.key_party_id <> identity.current_party()
            THEN coalesce(k.name, d.key_party_id) END AS key_held_by,
        s.state, s.last_seen_at, s.clock_skew_ms, coalesce(s.error_count, 0) AS error_count,
        coalesce(s.reading_count, 0) AS reading_count,
        (SELECT max(c.valid_until) FROM devices.calibration c
            WHERE c.device_id = d.device_id) AS calibrated_until,
        (SELECT count(*) FROM devices.quarantine q
            WHERE q.device_id = d.device_id AND q.site_id = d.site_id) AS quarantined,
        coalesce(m.missing_count, 0) AS missing_count
    FROM devices.device d
    LEFT JOIN devices.device_state s USING (device_id)
    LEFT JOIN devices.seen_missing m USING (device_id)
    LEFT JOIN identity.party e ON e.party_id = d.enrolled_party_id
    LEFT JOIN identity.party a ON a.party_id = d.accepted_party_id
    LEFT JOIN identity.party k ON k.party_id = d.key_party_id
    WHERE d.site_id = %(site_id)s AND (%(cursor)s::text IS NULL OR d.device_id > %(cursor)s)
    ORDER BY d.device_id LIMIT %(limit)s"""
INSPECTED = """
    SELECT site_id FROM (
        SELECT substr(seen, length(%(inspection)s) + 1) AS site_id FROM identity.visible_subjects() AS seen
        WHERE starts_with(seen, %(inspection)s)) invited
    WHERE site_id > coalesce(%(cursor)s, '') ORDER BY site_id LIMIT %(limit)s"""
# In service, and the party's word stands for it no more, or another's does and its own does not.
UNVOUCHED = """
    SELECT d.device_id, d.accepted_at IS NOT NULL AS is_evidence, o.ended_at, o.end_cause,
        ARRAY(SELECT coalesce(p.name, c.party_id)
            FROM devices.acceptance c LEFT JOIN identity.party p ON p.party_id = c.party_id
            WHERE c.device_id = d.device_id AND c.ended_at IS NULL
            ORDER BY c.accepted_at, c.party_id) AS accepted_by
    FROM devices.device d
    LEFT JOIN LATERAL (
        SELECT c.party_id, c.ended_at, c.end_cause FROM devices.acceptance c
        WHERE c.device_id = d.device_id AND c.party_id = %(party_id)s
        ORDER BY c.ended_at IS NULL DESC, c.ended_at DESC LIMIT 1) o ON true
    WHERE d.site_id = %(site_id)s AND d.retired_at IS NULL
        AND CASE WHEN o.party_id IS NULL THEN d.accepted_at IS NOT NULL ELSE o.ended_at IS NOT NULL END
    ORDER BY d.device_id"""
# What others' acceptances span of a device and the party's own do not. Out of service, a device says nothing.
VOUCHED_BY_OTHERS = """
    WITH accepted AS (
        SELECT c.device_id, c.party_id, c.party_id = %(party_id)s AS is_own,
            tstzrange(c.accepted_at,
                greatest(c.accepted_at, least(c.ended_at, d.retired_at, %(now)s))) AS during
        FROM devices.acceptance c JOIN devices.device d USING (device_id)
        WHERE c.site_id = %(site_id)s
    ), others AS (
        SELECT device_id, unnest(range_agg(during) FILTER (WHERE NOT is_own)
            - coalesce(range_agg(during) FILTER (WHERE is_own), '{}')) AS alone
        FROM accepted GROUP BY device_id
    )
    SELECT o.device_id, lower(o.alone) AS since, upper(o.alone) + %(clock_ahead)s AS until,
        ARRAY(SELECT DISTINCT coalesce(p.name, a.party_id)
            FROM accepted a LEFT JOIN identity.party p USING (party_id)
            WHERE a.device_id = o.device_id AND a.during && o.alone ORDER BY 1) AS accepted_by
    FROM others o ORDER BY upper(o.alone), o.device_id"""
# Of each mount where the party ever accepted a device: the spans without one that it accepts and that is
# heard. The book of the registry says where a device hung; an enrolment older than the book hangs where it
# does now. Nothing is known before the first act on a device of the site.
UNWATCHED = """
    WITH accepted AS (
        SELECT CASE WHEN r.device_id IS NULL THEN d.mount_id ELSE r.facts ->> 'mount_id' END AS mount_id,
            tstzmultirange(tstzrange(c.accepted_at,
                greatest(c.accepted_at, least(c.ended_at, d.retired_at, 'infinity')))) AS during,
            coalesce(s.heard, '{}') AS heard
        FROM devices.acceptance c JOIN devices.device d USING (device_id)
        LEFT JOIN devices.device_state s USING (device_id)
        LEFT JOIN devices.registry_entry r
            ON (r.device_id, r.enrolment, r.act) = (c.device_id, c.enrolment, 'enrolled')
        WHERE c.site_id = %(site_id)s AND c.party_id = %(party_id)s
    ), watched AS (
        SELECT mount_id, range_agg(during) AS accepted, range_agg(during * heard) AS during
        FROM accepted WHERE mount_id = ANY (%(mount_ids)s) GROUP BY mount_id
    ), unwatched AS (
        SELECT mount_id, accepted, unnest('{(,)}'::tstzmultirange - during) AS gap FROM watched
    )
    SELECT mount_id, CASE WHEN accepted @> gap THEN 'silent' ELSE 'not_accepted' END AS why,
        coalesce(lower(gap), least(upper(gap),
            (SELECT min(at) FROM devices.registry_entry WHERE site_id = %(site_id)s))) AS since,
        upper(gap) + CASE WHEN lower_inf(gap) THEN interval '0' ELSE %(clock_ahead)s END AS until
    FROM unwatched WHERE upper(gap) <= %(now)s ORDER BY upper(gap), mount_id"""
HEARD_AT_MOUNTS = """
    SELECT d.mount_id, d.family, s.state, s.last_seen_at
    FROM devices.device d LEFT JOIN devices.device_state s USING (device_id)
    WHERE d.site_id = %(site_id)s AND d.mount_id = ANY (%(mount_ids)s) AND d.retired_at IS NULL"""
IS_DEVICE = "SELECT FROM devices.device WHERE device_id = %(device_id)s"
HISTORY = """
    SELECT r.number, r.at, r.act, r.enrolment, r.person_id, p.name AS party, r.facts
    FROM devices.registry_entry r LEFT JOIN identity.party p ON p.party_id = r.party_id
    WHERE r.device_id = %(device_id)s AND (%(before)s::bigint IS NULL OR r.number < %(before)s)
    ORDER BY r.number DESC LIMIT %(limit)s"""
# Newest first by when each came last: one that counts up comes to the front. Strangers that named no site of
# ours stand in the list of every site, for whoever may see it. Two halves, so that each comes ready in order
# from its index.
_ENTRIES = """
    SELECT quarantine_id, site_id, device_id, is_stranger, boot, sequence, field, rule, raw, times,
        received_at, last_received_at
    FROM devices.quarantine
    WHERE {where} AND (%(id)s::text IS NULL
        OR (last_received_at, quarantine_id) < (%(at)s::timestamptz, %(id)s))
    ORDER BY last_received_at DESC, quarantine_id DESC LIMIT %(limit)s"""
QUARANTINE = f"""
    ({_ENTRIES.format(where="site_id = %(site_id)s")})
    UNION ALL
    ({_ENTRIES.format(where="site_id IS NULL AND %(site_id)s IN (SELECT identity.visible_subjects())")})
    ORDER BY last_received_at DESC, quarantine_id DESC LIMIT %(limit)s"""


Acceptance = Literal["not_needed", "waiting", "accepted"]


class AcceptanceRow(BaseModel):
    """A party's acceptance that stands. `is_own`: of whoever reads this."""

    party: str | None
    accepted_at: datetime
    is_own: bool


class DeviceRow(BaseModel):
    """One device as the list shows it. `state` is online, offline, gap, fault, never or retired.

    `enrolled_by` and `accepted_by` are names of parties. While `acceptance` is `waiting`, what the device
    says is no evidence; handhelds need none, for their scans are claims. `accepted_by` is the first of
    `acceptances`, which are all that stand: a bank's money rests on what it accepted itself. `connection`
    holds no secrets. `error_rate` is the share of what it sent that could not be accepted, None before it
    sent anything. `tier` is its driver's; `calibrated_until` the end of the certificate that is valid
    longest. `key_held_by` is the party, other than the reader's, that made the credential with which the
    device signs in at the broker, and can make it say anything. `orders` are what a person may have it do,
    with the words that each parameter of an order takes.

    `missing_count` numbers lie between others that came: a device that resends fills them by and by.
    """

    device_id: str
    site_id: str
    family: str
    family_name_en: str
    family_name_zh: str
    mount_id: str | None
    subject_ref: str | None
    state: str
    last_seen_at: datetime | None
    clock_skew_ms: int | None
    error_count: int
    error_rate: float | None
    quarantined: int
    missing_count: int
    retired_at: datetime | None
    connection: dict[str, Any]
    enrolment: int
    enrolled_at: datetime
    enrolled_by: str | None
    acceptance: Acceptance
    accepted_at: datetime | None
    accepted_by: str | None
    acceptances: list[AcceptanceRow]
    key_held_by: str | None
    tier: Tier | None
    calibrated_until: date | None
    orders: dict[str, dict[str, list[str]]]


class ParameterRow(BaseModel):
    """One thing that a device is given. `text` says in English what it is for; bounds are inclusive.

    `is_host` where it names a machine.
    """

    name: str
    type: str
    text: str
    required: bool
    default: Value | None
    unit: str
    minimum: float | None
    maximum: float | None
    choices: list[str]
    is_host: bool


class FamilyView(BaseModel):
    """A kind of device. `has_credential`: it signs in with what its enrolment answers; others are reached,
    or known, by what they are given."""

    family: str
    name_en: str
    name_zh: str
    has_credential: bool
    parameters: list[ParameterRow]


def family_list() -> list[FamilyView]:
    """The families by name, without handhelds: those are enrolled by a code."""
    return [_family_view(family) for name, family in sorted(FAMILIES.items()) if family.reach != "http"]


def _family_view(family: Family) -> FamilyView:
    parameters = [
        ParameterRow(name=name, **{field: getattr(one, field) for field in _PARAMETER_FIELDS})
        for name, one in family.parameters.items()
    ]
    return FamilyView(
        family=family.name,
        name_en=family.name_en,
        name_zh=family.name_zh,
        has_credential=family.reach == "broker",
        parameters=parameters,
    )


_PARAMETER_FIELDS = ParameterRow.model_fields.keys() - {"name"}


def _share(errors: int, readings: int) -> float | None:
    return errors / (errors + readings) if errors + readings else None


class HistoryRow(BaseModel):
    """One act on a device. `facts` say what was entered, never a secret."""

    number: int
    at: datetime
    act: str
    enrolment: int
    person_id: str
    party: str | None
    facts: dict[str, Any]


async def history_of_device(
    read: ReadTx, device_id: str, cursor: str | None = None, limit: int = 5_000
) -> list[HistoryRow]:
    """Who did what to the device, newest first. Raises NotFound when the caller may not see it."""
    if await read.row(IS_DEVICE, {"device_id": device_id}) is None:
        raise NotFound("devices.unknown", device_id=device_id)
    before = int(cursor) if cursor is not None and cursor.isdecimal() else None
    rows = await read.rows(HISTORY, {"device_id": device_id, "before": before, "limit": limit})
    return [HistoryRow(**row) for row in rows]


def _by_hand(family: Family) -> dict[str, dict[str, list[str]]]:
    return {
        action: {name: list(parameter.choices) for name, parameter in kind.parameters.items()}
        for action, kind in family.orders.items()
        if kind.by_hand
    }


def _acceptance(family: str, accepted_at: datetime | None) -> Acceptance:
    if accepted_at is not None:
        return "accepted"
    return "waiting" if family not in FAMILIES or FAMILIES[family].is_witness else "not_needed"


class QuarantineRow(BaseModel):
    """One thing that could not be accepted. `raw_preview` is text as far as it is, escaped elsewhere.

    `is_stranger`: nobody of that name was enrolled then; `device_id` is the name it gave, else the address it
    came from. `site_id` is None for one that named no site of ours.
    """

    quarantine_id: str
    site_id: str | None
    device_id: str
    is_stranger: bool
    boot: int | None
    sequence: int | None
    field: str
    rule: str
    raw_preview: str
    times: int
    received_at: datetime
    last_received_at: datetime


async def devices_of_site(
    read: ReadTx, site_id: str, cursor: str | None = None, limit: int = 5_000
) -> list[DeviceRow]:
    """The site's devices by id, retired ones included; empty when the caller may not see the site."""
    rows = await read.rows(DEVICES, {"site_id": site_id, "cursor": cursor, "limit": limit})
    shown = []
    for row in rows:
        last = row["last_seen_at"] and State(
            state=row["state"], last_seen_at=row["last_seen_at"], missing_count=row["missing_count"]
        )
        known = FAMILIES.get(row["family"])
        names = {
            "family_name_en": row["family"] if known is None else known.name_en,
            "family_name_zh": row["family"] if known is None else known.name_zh,
        }
        derived = {
            "state": "retired" if row["retired_at"] else shown_state(row["family"], last, read.now),
            "acceptance": _acceptance(row["family"], row["accepted_at"]),
            "tier": tier_of(row["family"]) if known is not None else None,
            "error_rate": _share(row["error_count"], row.pop("reading_count")),
            "orders": {} if known is None else _by_hand(known),
        }
        shown.append(DeviceRow(**{**row, **names, **derived}))
    return shown


async def inspected_sites(read: ReadTx, cursor: str | None, limit: int) -> list[str]:
    """The sites whose devices the reader's party was invited to look at, by id, after the one given."""
    params = {"inspection": INSPECTION, "cursor": cursor, "limit": limit}
    return [str(row["site_id"]) for row in await read.rows(INSPECTED, params)]


async def unvouched_devices(read: ReadTx, site_id: str, party_id: str) -> list[Unvouched]:
    """The site's devices in service that the party accepted once and does no more, or that others accepted
    and it did not; by id. Of these the ones that are evidence are so against its word."""
    rows = await read.rows(UNVOUCHED, {"site_id": site_id, "party_id": party_id})
    return [msgspec.convert(row, Unvouched) for row in rows]


async def vouched_by_others(read: ReadTx, site_id: str, party_id: str) -> list[VouchedByOthers]:
    """The spans in which devices of the site were evidence by others' acceptance and not by the party's: what
    was heard in them is no evidence for it, also once it accepts the device. In order of their ends."""
    asked = {"site_id": site_id, "party_id": party_id, "now": read.now, "clock_ahead": CLOCK_AHEAD_MAX}
    rows = await read.rows(VOUCHED_BY_OTHERS, asked)
    return [msgspec.convert(row, VouchedByOthers) for row in rows]


async def unwatched_spans(
    read: ReadTx, site_id: str, party_id: str, mount_ids: Collection[str]
) -> list[Unwatched]:
    """The spans, over by now, in which one of these mounts watched nothing for the party, in order of their
    ends; what lasts, `silent_mounts` and `unvouched_devices` tell. A mount on which the party
    never accepted a device has none."""
    asked = {"site_id": site_id, "party_id": party_id, "mount_ids": sorted(mount_ids)}
    rows = await read.rows(UNWATCHED, {**asked, "now": read.now, "clock_ahead": CLOCK_AHEAD_MAX})
    return [msgspec.convert(row, Unwatched) for row in rows]


async def silent_mounts(read: ReadTx, site_id: str, mount_ids: Collection[str]) -> frozenset[str]:
    """Those of these mounts whose device in service does not watch: never was heard, says that it is offline
    or cannot measure, or said nothing within its family's silence, at most `GATE_SILENCE_MAX`."""
    rows = await read.rows(HEARD_AT_MOUNTS, {"site_id": site_id, "mount_ids": sorted(mount_ids)})
    silent = set()
    for row in rows:
        last = row["last_seen_at"] and State(state=row["state"], last_seen_at=row["last_seen_at"])
        is_down = shown_state(row["family"], last, read.now) in ("never", "offline", "fault")
        if is_down or (last and read.now - last.last_seen_at > GATE_SILENCE_MAX):
            silent.add(row["mount_id"])
    return frozenset(silent)


async def quarantine_of_site(
    read: ReadTx, site_id: str, cursor: str | None = None, limit: int = 50
) -> list[QuarantineRow]:
    """What the site's devices sent that could not be accepted, and who was turned away; what came last stands
    first. Raises Invalid for a cursor that no page gave."""
    at, quarantine_id = (None, None) if cursor is None else _place(cursor)
    rows = await read.rows(QUARANTINE, {"site_id": site_id, "at": at, "id": quarantine_id, "limit": limit})
    return [QuarantineRow(**row, raw_preview=preview(bytes(row["raw"]))) for row in rows]


def quarantine_cursor(row: QuarantineRow) -> str:
    """Where the list goes on after `row`."""
    return f"{row.last_received_at.isoformat()}{CURSOR_JOIN}{row.quarantine_id}"


def _place(cursor: str) -> tuple[datetime, str]:
    at, _, quarantine_id = cursor.partition(CURSOR_JOIN)
    try:
        return datetime.fromisoformat(at), quarantine_id
    except ValueError as error:
        raise Invalid("request.cursor", field="cursor", rule="what the last page gave") from error


def preview(raw: bytes) -> str:
    """The first bytes as printable text; every other byte as `\\xNN`."""
    head = raw[:RAW_PREVIEW_BYTES]
    text = "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in head)
    return text + ("…" if len(raw) > RAW_PREVIEW_BYTES else "")
