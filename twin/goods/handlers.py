"""What the books tell the twin: units, vehicles, claims, arrivals and departures to expect.

Nothing here is evidence: a declared unit counts nothing until a sensor has seen it.
"""

from collections.abc import Sequence

import msgspec

from kernel.errors import Conflict, Invalid, NotFound
from kernel.messages import StockClaimed
from kernel.tx import Tx
from twin.goods import store
from twin.messages import UNITS_MAX, ExpectedArrival, ExpectedDeparture, UnitDeclaration


async def declare_units(tx: Tx, units: Sequence[UnitDeclaration]) -> None:
    """See `twin.api.declare_units`."""
    _require_few(len(units), "units")
    units = [_with_capital_tag(unit) for unit in units]
    tags = [(unit.site_id, unit.epc_hex) for unit in units if unit.epc_hex is not None]
    if len(set(tags)) < len(tags):
        raise Invalid("twin.tag_twice", field="epc_hex", rule="each tag on one unit")
    if in_use := await store.tags_in_use(tx, units):
        first = in_use[0]
        raise Conflict(
            "twin.tag_in_use", field="epc_hex", rule="carried by nothing else", epc_hex=first["epc_hex"]
        )
    await store.insert_units(tx, units)


async def declare_vehicle(tx: Tx, vehicle_id: str, site_id: str, epc_hex: str | None, plate: str) -> None:
    """See `twin.api.declare_vehicle`."""
    tag = epc_hex.upper() if epc_hex is not None else None
    vehicle = {"vehicle_id": vehicle_id, "site_id": site_id, "epc_hex": tag, "plate": plate}
    if not await store.insert_vehicle(tx, vehicle):
        raise Conflict("twin.tag_in_use", field="epc_hex", rule="carried by nothing else", epc_hex=tag)


async def declare_claims(tx: Tx, claims: Sequence[StockClaimed]) -> None:
    """See `twin.api.declare_claims`."""
    _require_few(len(claims), "claims")
    if claims:
        await store.insert_claims(tx, claims)


async def expect_arrival(tx: Tx, arrival: ExpectedArrival) -> None:
    """See `twin.api.expect_arrival`."""
    _require_few(len(arrival.unit_ids), "unit_ids")
    await store.insert_arrival(tx, arrival)


async def withdraw_arrival(tx: Tx, delivery_id: str) -> bool:
    """See `twin.api.withdraw_arrival`."""
    return await store.delete_arrival(tx, delivery_id)


async def expect_departure(tx: Tx, departure: ExpectedDeparture) -> None:
    """See `twin.api.expect_departure`."""
    _require_few(len(departure.unit_ids), "unit_ids")
    if departure.valid_until <= departure.valid_from:
        raise Invalid("twin.departure_period", field="valid_until", rule="after valid_from")
    await store.insert_departure(tx, departure)


async def cancel_departure(tx: Tx, release_id: str) -> None:
    """See `twin.api.cancel_departure`."""
    if not await store.cancel_departure(tx, release_id):
        raise NotFound("twin.departure_unknown", release_id=release_id)


def _require_few(count: int, field: str) -> None:
    if count > UNITS_MAX:
        raise Invalid("twin.too_many", field=field, rule=f"at most {UNITS_MAX}")


def _with_capital_tag(unit: UnitDeclaration) -> UnitDeclaration:
    """Tags are compared as capitals, as readers report them."""
    if unit.epc_hex is None or unit.epc_hex == unit.epc_hex.upper():
        return unit
    return msgspec.structs.replace(unit, epc_hex=unit.epc_hex.upper())
