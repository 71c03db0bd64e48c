"""Pure decisions of inbound: is an announcement sound, and which slot a pallet goes to and why."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from kernel.errors import Invalid
from kernel.gs1 import is_valid_sscc, sscc_of_tag
from kernel.units import MASS_G_MAX
from wms.catalogue.model import normal_sku
from wms.messages import DELIVERY_UNITS_MAX, AnnounceDelivery, DeliveryUnit, OpeningRow
from wms.visits.model import normal_epc

LOT_CODE_LENGTH_MAX = 60
QUANTITY_EACH_MAX = 1_000_000
LEVEL_MASS_G_MAX = {1: 1_500_000, 2: 1_200_000, 3: 1_000_000}
"""What a beam of each level carries; higher levels carry as the highest named."""
BROKEN_ROWS_SHOWN_MAX = 50
HEAVY_G = 800_000
"""From here on a pallet belongs low: lifting it high costs time and stability."""
LEVEL_COST_M = 4.0
"""Lifting by one level takes about as long as driving this far."""
HEAVY_LEVEL_COST_M = 20.0
GOODS_TOLERANCE_PERCENT = 5
"""How far the declared mass of a unit may be from its pieces' own mass by the catalogue."""
PALLET_AND_WRAP_G_MAX = 60_000
"""The heaviest wood and wrap that a unit may have on top of its goods."""
SAME_LOT_BONUS_M = 15.0
"""How much farther a pallet may travel to stand in a rack that has its lot."""


class SlotOption(NamedTuple):
    """A slot of the layout as the choice sees it; metres in the site's frame."""

    slot_id: str
    rack_id: str
    level: int
    x_m: float
    y_m: float


class Load(NamedTuple):
    """A unit to be put away."""

    unit_id: str
    lot_id: str
    mass_g: int


class SlotChoice(NamedTuple):
    """The slot and the sentence behind it: how many slots each rule refused, and the score in metres."""

    slot_id: str | None
    explanation: dict[str, object]


def choose_slot(
    load: Load,
    slots: Sequence[SlotOption],
    *,
    occupied: Collection[str],
    promised: Collection[str],
    racks_of_lot: Collection[str],
    start: tuple[float, float],
) -> SlotChoice:
    """The cheapest free slot: hard limits first (occupied, promised, too heavy), then a cost in metres.

    cost = drive from `start` + lift per level (more for heavy pallets) - bonus in a rack with the same lot.
    Ties go to the smaller slot id, so that the same books give the same choice. `slot_id` None: no slot.
    """
    refused: Counter[str] = Counter()
    best: tuple[float, str, dict[str, float]] | None = None
    for slot in slots:
        reason = _refusal(load, slot, occupied, promised)
        if reason is not None:
            refused[reason] += 1
            continue
        parts = _cost(load, slot, racks_of_lot, start)
        candidate = (round(sum(parts.values()), 3), slot.slot_id, parts)
        if best is None or candidate[:2] < best[:2]:
            best = candidate
    explanation: dict[str, object] = {"considered": len(slots), "refused": dict(sorted(refused.items()))}
    if best is None:
        return SlotChoice(None, explanation)
    cost = {name: round(value, 1) for name, value in best[2].items()}
    return SlotChoice(best[1], {**explanation, "cost_m": cost})


def _refusal(
    load: Load, slot: SlotOption, occupied: Collection[str], promised: Collection[str]
) -> str | None:
    if slot.slot_id in occupied:
        return "occupied"
    if slot.slot_id in promised:
        return "promised"
    limit_g = LEVEL_MASS_G_MAX.get(slot.level, LEVEL_MASS_G_MAX[max(LEVEL_MASS_G_MAX)])
    return "too_heavy" if load.mass_g > limit_g else None


def _cost(
    load: Load, slot: SlotOption, racks_of_lot: Collection[str], start: tuple[float, float]
) -> dict[str, float]:
    per_level = HEAVY_LEVEL_COST_M if load.mass_g >= HEAVY_G else LEVEL_COST_M
    return {
        "drive": math.dist(start, (slot.x_m, slot.y_m)),
        "lift": per_level * (slot.level - 1),
        "same_lot": -SAME_LOT_BONUS_M if slot.rack_id in racks_of_lot else 0.0,
    }


class MassRange(NamedTuple):
    """What a unit may be declared to weigh, wood and wrap included; both ends are allowed."""

    least_g: int
    most_g: int

    @property
    def rule(self) -> str:
        return f"{self.least_g} to {self.most_g}, by the pieces and the mass of one in the catalogue"


def mass_range(quantity_each: int, unit_mass_g: int) -> MassRange:
    """The range for `quantity_each` pieces of `unit_mass_g` grams each; any mass when that is 0 (unknown).

    Pieces are what money is lent against and mass is what the weighbridge sees: only where the two agree
    does a weighing vouch for the pieces.
    """
    if unit_mass_g == 0 or quantity_each < 1:
        return MassRange(1, MASS_G_MAX)
    goods_g = quantity_each * unit_mass_g
    spread_g = goods_g * GOODS_TOLERANCE_PERCENT // 100
    return MassRange(max(1, goods_g - spread_g), goods_g + spread_g + PALLET_AND_WRAP_G_MAX)


def require_announcement(command: AnnounceDelivery) -> list[DeliveryUnit]:
    """The units of a sound announcement, tags in capitals. Raises Invalid naming field and rule."""
    if not 1 <= len(command.units) <= DELIVERY_UNITS_MAX:
        raise Invalid("deliveries.units", field="units", rule=f"1 to {DELIVERY_UNITS_MAX} units")
    if not 1 <= len(command.lot_code.strip()) <= LOT_CODE_LENGTH_MAX:
        raise Invalid("deliveries.lot_code", field="lot_code", rule=f"1 to {LOT_CODE_LENGTH_MAX} characters")
    units = []
    for index, unit in enumerate(command.units):
        field = f"units.{index}"
        if not is_valid_sscc(unit.sscc):
            raise Invalid("sscc.malformed", field=f"{field}.sscc", rule="18 digits with a right check digit")
        _require_range(f"{field}.quantity_each", unit.quantity_each, QUANTITY_EACH_MAX)
        _require_range(f"{field}.expected_mass_g", unit.expected_mass_g, MASS_G_MAX)
        epc_hex = normal_epc(unit.epc_hex, f"{field}.epc_hex")
        _require_own_tag(unit.sscc, epc_hex, f"{field}.epc_hex")
        units.append(
            DeliveryUnit(
                sscc=unit.sscc,
                epc_hex=epc_hex,
                quantity_each=unit.quantity_each,
                expected_mass_g=unit.expected_mass_g,
            )
        )
    _require_once("units.sscc", [unit.sscc for unit in units])
    _require_once("units.epc_hex", [unit.epc_hex for unit in units])
    return units


def require_masses(units: Sequence[DeliveryUnit], unit_mass_g: int) -> None:
    """Raise Invalid `deliveries.range` for a unit whose mass is not that of its pieces."""
    for index, unit in enumerate(units):
        allowed = mass_range(unit.quantity_each, unit_mass_g)
        if not allowed.least_g <= unit.expected_mass_g <= allowed.most_g:
            raise Invalid("deliveries.range", field=f"units.{index}.expected_mass_g", rule=allowed.rule)


def _require_own_tag(sscc: str, epc_hex: str, field: str) -> None:
    """A tag that says an SSCC says that of its pallet; one of another scheme says nothing of it."""
    told = sscc_of_tag(epc_hex)
    if told not in (None, sscc):
        rule = "the tag of the pallet's own SSCC"
        raise Invalid("epc.not_of_sscc", field=field, rule=rule, sscc=sscc, tag_sscc=told or None)


def _require_range(field: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise Invalid("deliveries.range", field=field, rule=f"1 to {most}")


def _require_once(field: str, values: Sequence[str]) -> None:
    twice = sorted(value for value, count in Counter(values).items() if count > 1)
    if twice:
        raise Invalid("deliveries.twice", field=field, rule="once in an announcement", values=twice[:10])


def broken_opening_rows(
    rows: Sequence[OpeningRow],
    *,
    slots: Collection[str],
    occupied: Collection[str],
    unit_masses_g: Mapping[str, int],
) -> list[dict[str, object]]:
    """Every rule that a row of opening stock breaks, with the row (from 0, as in every list), field and rule.

    `unit_masses_g` is the mass of one piece of each item of the catalogue, by its code as it is kept.
    """
    broken: list[dict[str, object]] = []
    seen: dict[str, set[str]] = {"sscc": set(), "epc_hex": set(), "slot_id": set()}
    for number, row in enumerate(rows):
        sku = normal_sku(row.sku)
        allowed = mass_range(row.quantity_each, unit_masses_g.get(sku, 0))
        checks = [
            ("sscc", is_valid_sscc(row.sscc), "18 digits with a right check digit"),
            ("sku", sku in unit_masses_g, "in the catalogue"),
            (
                "lot",
                1 <= len(row.lot.strip()) <= LOT_CODE_LENGTH_MAX,
                f"1 to {LOT_CODE_LENGTH_MAX} characters",
            ),
            ("quantity_each", 1 <= row.quantity_each <= QUANTITY_EACH_MAX, f"1 to {QUANTITY_EACH_MAX}"),
            ("mass_g", 1 <= row.mass_g <= MASS_G_MAX, f"1 to {MASS_G_MAX}"),
            ("mass_g", allowed.least_g <= row.mass_g <= allowed.most_g, allowed.rule),
            ("slot_id", row.slot_id in slots, "a slot of the layout"),
            ("slot_id", row.slot_id not in occupied, "an empty slot"),
            *_own_tag(row),
            *_once(seen, row),
        ]
        broken += [
            {"row": number, "field": field, "rule": rule} for field, holds, rule in checks if not holds
        ]
    return broken


def _own_tag(row: OpeningRow) -> Iterable[tuple[str, bool, str]]:
    if row.epc_hex is not None:
        try:
            told = sscc_of_tag(normal_epc(row.epc_hex))
        except Invalid as malformed:
            yield "epc_hex", False, str(malformed.facts["rule"])
        else:
            is_own = told in (None, row.sscc) or not is_valid_sscc(row.sscc)
            yield "epc_hex", is_own, f"the tag of SSCC {row.sscc}, not of {told or 'none'}"


def _once(seen: dict[str, set[str]], row: OpeningRow) -> Iterable[tuple[str, bool, str]]:
    for field, values in seen.items():
        value = getattr(row, field)
        if value is not None:
            yield field, value not in values, "once in a command"
            values.add(value)
