"""SQL of declared units, lots and vehicles, of claims and of expectations. Many rows a statement."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kernel.messages import StockClaimed
from kernel.tx import ReadTx, Row, Tx
from twin.messages import ExpectedArrival, ExpectedDeparture, UnitDeclaration

# Lots appear with their first unit; owner and item of a known lot do not change.
INSERT_LOTS = """
    INSERT INTO twin.lot (lot_id, site_id, sku, owner_party_id)
    SELECT DISTINCT ON (r.lot_id) r.lot_id, r.site_id, r.sku, r.owner_party_id
    FROM jsonb_to_recordset(%(units)s::jsonb)
        AS r (lot_id text, site_id text, sku text, owner_party_id text)
    ORDER BY r.lot_id ON CONFLICT (lot_id) DO NOTHING"""
# Says which declared tags are carried by another unit or by a vehicle of the site.
TAGS_IN_USE = """
    SELECT r.unit_id, r.epc_hex
    FROM jsonb_to_recordset(%(units)s::jsonb) AS r (unit_id text, site_id text, epc_hex text)
    WHERE EXISTS (
            SELECT FROM twin.unit u
            WHERE u.site_id = r.site_id AND u.epc_hex = r.epc_hex AND u.unit_id <> r.unit_id)
        OR EXISTS (SELECT FROM twin.vehicle v WHERE v.site_id = r.site_id AND v.epc_hex = r.epc_hex)
    ORDER BY r.unit_id LIMIT 10"""
UPSERT_UNITS = """
    INSERT INTO twin.unit (unit_id, site_id, lot_id, sku, owner_party_id, sscc, epc_hex, expected_mass_g,
        quantity_each, declared_at)
    SELECT r.unit_id, r.site_id, r.lot_id, r.sku, r.owner_party_id, r.sscc, r.epc_hex, r.expected_mass_g,
        r.quantity_each, %(now)s
    FROM jsonb_to_recordset(%(units)s::jsonb) AS r (unit_id text, site_id text, lot_id text, sku text,
        owner_party_id text, sscc text, epc_hex text, expected_mass_g bigint, quantity_each bigint)
    ORDER BY r.unit_id
    ON CONFLICT (unit_id) DO UPDATE SET (epc_hex, expected_mass_g, quantity_each) =
        (EXCLUDED.epc_hex, EXCLUDED.expected_mass_g, EXCLUDED.quantity_each)
    WHERE (unit.epc_hex, unit.expected_mass_g, unit.quantity_each) IS DISTINCT FROM
        (EXCLUDED.epc_hex, EXCLUDED.expected_mass_g, EXCLUDED.quantity_each)"""
VEHICLE_TAG_IN_USE = """
    SELECT EXISTS (SELECT FROM twin.unit WHERE site_id = %(site_id)s AND epc_hex = %(epc_hex)s)
        OR EXISTS (SELECT FROM twin.vehicle
            WHERE site_id = %(site_id)s AND epc_hex = %(epc_hex)s AND vehicle_id <> %(vehicle_id)s)"""
UPSERT_VEHICLE = """
    INSERT INTO twin.vehicle (vehicle_id, site_id, epc_hex, plate, declared_at)
    VALUES (%(vehicle_id)s, %(site_id)s, %(epc_hex)s, %(plate)s, %(now)s)
    ON CONFLICT (vehicle_id) DO UPDATE SET (epc_hex, plate) = (EXCLUDED.epc_hex, EXCLUDED.plate)
    WHERE (vehicle.epc_hex, vehicle.plate) IS DISTINCT FROM (EXCLUDED.epc_hex, EXCLUDED.plate)"""
INSERT_CLAIMS = """
    INSERT INTO twin.claim (site_id, unit_id, slot_id, claimed_at, cause)
    SELECT r.site_id, r.unit_id, r.slot_id, r.claimed_at, r.cause FROM jsonb_to_recordset(%(claims)s::jsonb)
        AS r (site_id text, unit_id text, slot_id text, claimed_at timestamptz, cause text)"""
# The latest claim by its own time stands on the unit; of two at one moment, the one told last.
PUT_CLAIMS = """
    UPDATE twin.unit u
    SET claimed_slot_id = c.slot_id, claimed_at = c.claimed_at, claim_cause = c.cause
    FROM (
        SELECT DISTINCT ON (unit_id) unit_id, slot_id, claimed_at, cause FROM twin.claim
        WHERE unit_id = ANY (%(unit_ids)s) ORDER BY unit_id, claimed_at DESC, claim_id DESC
    ) c
    WHERE u.unit_id = c.unit_id"""
# Units are locked in one order everywhere, so that two writers cannot wait for each other.
LOCK_UNITS = "SELECT unit_id FROM twin.unit WHERE unit_id = ANY (%(unit_ids)s) ORDER BY unit_id FOR UPDATE"
TAGS_OF = """
    SELECT epc_hex FROM twin.unit
    WHERE unit_id = ANY (%(unit_ids)s) AND epc_hex IS NOT NULL ORDER BY epc_hex"""
INSERT_ARRIVAL = """
    INSERT INTO twin.expected_arrival
        (delivery_id, site_id, vehicle_id, unit_ids, expected_net_g, declared_at)
    VALUES (%(delivery_id)s, %(site_id)s, %(vehicle_id)s, %(unit_ids)s, %(expected_net_g)s, %(now)s)
    ON CONFLICT (delivery_id) DO UPDATE SET (vehicle_id, unit_ids, expected_net_g) =
        (EXCLUDED.vehicle_id, EXCLUDED.unit_ids, EXCLUDED.expected_net_g)"""
LOCK_ARRIVAL = """
    SELECT unit_ids FROM twin.expected_arrival WHERE delivery_id = %(delivery_id)s FOR UPDATE"""
WAS_HEARD = """
    SELECT EXISTS (SELECT FROM twin.unit u
        JOIN twin.sighting s ON (s.site_id, s.epc_hex) = (u.site_id, u.epc_hex)
        WHERE u.unit_id = ANY (%(unit_ids)s))"""
DELETE_ARRIVAL = "DELETE FROM twin.expected_arrival WHERE delivery_id = %(delivery_id)s"
DELETE_UNITS = "DELETE FROM twin.unit WHERE unit_id = ANY (%(unit_ids)s)"
INSERT_DEPARTURE = """
    INSERT INTO twin.expected_departure
        (release_id, site_id, gate_id, vehicle_id, unit_ids, valid_from, valid_until, mass_g)
    VALUES (%(release_id)s, %(site_id)s, %(gate_id)s, %(vehicle_id)s, %(unit_ids)s, %(valid_from)s,
        %(valid_until)s, %(mass_g)s)
    ON CONFLICT (release_id) DO NOTHING"""
CANCEL_DEPARTURE = """
    UPDATE twin.expected_departure SET cancelled_at = %(now)s
    WHERE release_id = %(release_id)s AND cancelled_at IS NULL"""
DEPARTURE_KNOWN = "SELECT 1 FROM twin.expected_departure WHERE release_id = %(release_id)s"


def _json(items: Sequence[Any]) -> str:
    return msgspec.json.encode(items).decode()


async def insert_units(tx: Tx, units: Sequence[UnitDeclaration]) -> None:
    """Declare lots and units; what is known keeps what sensors said of it."""
    text = _json(units)
    await tx.run(INSERT_LOTS, {"units": text})
    await tx.run(UPSERT_UNITS, {"units": text, "now": tx.now})


async def tags_in_use(tx: Tx, units: Sequence[UnitDeclaration]) -> list[Row]:
    """Declared units (at most ten) whose tag something else carries."""
    return await tx.rows(TAGS_IN_USE, {"units": _json(units)})


async def insert_vehicle(tx: Tx, vehicle: Row) -> bool:
    """Declare a vehicle; False when something else carries its tag."""
    if vehicle["epc_hex"] is not None and await tx.value(VEHICLE_TAG_IN_USE, vehicle):
        return False
    await tx.run(UPSERT_VEHICLE, {**vehicle, "now": tx.now})
    return True


async def insert_claims(tx: Tx, claims: Sequence[StockClaimed]) -> None:
    """Add to the journal of claims and put the latest of each unit on its row."""
    unit_ids = sorted({claim.unit_id for claim in claims})
    await tx.rows(LOCK_UNITS, {"unit_ids": unit_ids})
    await tx.run(INSERT_CLAIMS, {"claims": _json(claims)})
    await tx.run(PUT_CLAIMS, {"unit_ids": unit_ids})


async def tags_of(read: ReadTx, unit_ids: Sequence[str]) -> list[str]:
    """The tags that the units carry."""
    return [row["epc_hex"] for row in await read.rows(TAGS_OF, {"unit_ids": list(unit_ids)})]


async def insert_arrival(tx: Tx, arrival: ExpectedArrival) -> None:
    await tx.run(INSERT_ARRIVAL, {**msgspec.structs.asdict(arrival), "now": tx.now})


async def delete_arrival(tx: Tx, delivery_id: str) -> bool:
    """Forget an announced delivery and its units; False when a tag of one was ever heard at the site."""
    unit_ids = await tx.value(LOCK_ARRIVAL, {"delivery_id": delivery_id})
    await tx.rows(LOCK_UNITS, {"unit_ids": unit_ids})
    if await tx.value(WAS_HEARD, {"unit_ids": unit_ids}):
        return False
    await tx.run(DELETE_ARRIVAL, {"delivery_id": delivery_id})
    await tx.run(DELETE_UNITS, {"unit_ids": unit_ids})
    return True


async def insert_departure(tx: Tx, departure: ExpectedDeparture) -> None:
    await tx.run(INSERT_DEPARTURE, msgspec.structs.asdict(departure))


async def cancel_departure(tx: Tx, release_id: str) -> bool:
    """True when the release is known."""
    await tx.run(CANCEL_DEPARTURE, {"release_id": release_id, "now": tx.now})
    return await departure_known(tx, release_id)


async def departure_known(read: ReadTx, release_id: str) -> bool:
    return await read.value(DEPARTURE_KNOWN, {"release_id": release_id}) is not None
