"""What the product has noticed so far: where each unit was last seen, by what, and what its lots amount to.

Uses the twin's own decisions: tracks of tags at portals and forks, presence and the count of a lot. What
readers hear from the aisles and what cameras see is kept as the last moment of each unit and slot.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from app.simulate.crossings import Crossed
from kernel.gs1 import Epc, decode_epc
from kernel.layout import Layout
from kernel.messages import (
    BarrierState,
    CodeScan,
    Environment,
    LoadChange,
    MassReading,
    Observation,
    PlateRead,
    PositionReading,
    SlotSight,
    TagRead,
    UplinkHeard,
)
from twin.evidence.model import LotEvidence, UnitSeen, lot_evidence
from twin.layout.model import SiteMap
from twin.presence.model import Sighting, Track, fold

COUNTED_FOR = timedelta(hours=72)
"""A sight older than this no longer says that the unit is here."""


class Unit(msgspec.Struct):
    """A pallet by its SSCC, as books and sensors tell of it. `seen` is by modality: when, by which device."""

    lot: str
    slot_id: str | None = None
    seen: dict[str, tuple[datetime, str]] = {}
    track: Track | None = None
    is_gone: bool = False
    is_expected: bool = False
    """Announced, and not come in yet."""


class Noticing:
    """Takes readings one by one; `lots` says what they amount to."""

    def __init__(self, layout: Layout, units: Mapping[str, tuple[str, str | None]]) -> None:
        """`units` are the books at the start: lot and slot by SSCC."""
        self._site = SiteMap(layout)
        self._serves = {mount.mount_id: mount.serves for mount in layout.mounts}
        self._dock_of = {name: serves for name, serves in self._serves.items() if name.startswith("portal")}
        self.units = {sscc: Unit(lot=lot, slot_id=slot_id) for sscc, (lot, slot_id) in units.items()}
        self._in_slot = {unit.slot_id: sscc for sscc, unit in self.units.items() if unit.slot_id}
        self._sscc_of: dict[str, str] = {}
        self._sights: dict[str, tuple[datetime, str] | None] = {}
        """By slot: when which camera last saw something in it; None when it last saw it empty."""
        self._framed_at: dict[str, datetime] = {}
        self._pictures: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.crossings: list[Crossed] = []
        """What the portals told."""
        self.unknown_tags: set[str] = set()
        self.released: set[str] = set()
        self._take: dict[type, Callable[[Observation], None]] = {
            TagRead: self._tag_read,
            LoadChange: self._load_change,
            SlotSight: self._slot_sight,
            CodeScan: self._scan,
            MassReading: self._mass,
            PositionReading: self._position,
            BarrierState: lambda _: None,
            PlateRead: lambda _: None,
            Environment: lambda _: None,
            UplinkHeard: lambda _: None,
        }

    def take(self, observation: Observation, _: datetime) -> None:
        """One new reading."""
        self._take[type(observation.reading)](observation)

    def take_paper(self, paper: Any) -> None:
        """An announcement: units that will come become known, units that may leave are released. Papers of
        finance are counted; what they contradict is noticed by later issues."""
        if hasattr(paper, "what"):
            self.counts[f"paper_{paper.what}"] += 1
            return
        for sscc in paper.ssccs:
            if paper.direction == "in":
                self.units.setdefault(sscc, Unit(lot=paper.lots[sscc], is_expected=True))
            else:
                self.released.add(sscc)

    # --- readings ----------------------------------------------------------------------------------

    def _sscc(self, epc_hex: str) -> str:
        """The SSCC of a tag; "" for a tag that carries none."""
        sscc = self._sscc_of.get(epc_hex)
        if sscc is None:
            epc = decode_epc(epc_hex)
            sscc = epc.elements.get("00", "") if isinstance(epc, Epc) else ""
            self._sscc_of[epc_hex] = sscc
        return sscc

    def _unit_of(self, epc_hex: str) -> Unit | None:
        unit = self.units.get(self._sscc(epc_hex))
        if unit is None:
            self.unknown_tags.add(epc_hex)
        return unit

    def _tag_read(self, observation: Observation) -> None:
        read = observation.reading
        assert isinstance(read, TagRead)
        unit = self._unit_of(read.epc_hex)
        if unit is None:
            return
        if observation.device_id not in self._serves:
            self.counts["heard_at_another_site"] += 1
            return
        gate_id = self._dock_of.get(observation.device_id)
        if gate_id is not None:
            self._fold(
                unit, observation, "tag", gate_id=gate_id, side=self._site.side_of(gate_id, read.antenna)
            )
        if not unit.is_gone:
            self._saw(unit, "tag", observation)

    def _load_change(self, observation: Observation) -> None:
        change = observation.reading
        assert isinstance(change, LoadChange)
        unit = self._unit_of(change.epc_hex)
        if unit is None:
            return
        slot_id = self._site.slot_at(change.point) if change.action == "set_down" else None
        side = self._site.side_of_load(change.point)
        self._fold(unit, observation, change.action, slot_id=slot_id, side=side)
        if change.action == "set_down" and side == "outside":
            # Beyond a dock's door: on a truck.
            unit.is_gone = True
            unit.seen = {}
        elif slot_id is not None:
            unit.slot_id = slot_id
            self._in_slot[slot_id] = self._sscc(change.epc_hex)
            self._saw(unit, "position", observation)

    def _fold(self, unit: Unit, observation: Observation, kind: Any, **where: Any) -> None:
        reading = observation.reading
        assert isinstance(reading, TagRead | LoadChange)
        unit.track = unit.track or Track()
        sighting = Sighting(
            observation_id=observation.observation_id,
            device_id=observation.device_id,
            boot=observation.boot,
            sequence=observation.sequence,
            observed_at=observation.observed_at,
            epc_hex=reading.epc_hex,
            kind=kind,
            rssi_cdbm=reading.rssi_cdbm if isinstance(reading, TagRead) else 0,
            **where,
        )
        expected_at = min(self._site.gates) if unit.is_expected else None
        for crossing in fold(unit.track, [sighting], expected_gate_id=expected_at).crossings:
            self.crossings.append(
                Crossed(crossing.crossed_at, self._sscc(reading.epc_hex), crossing.direction)
            )
            unit.is_expected = unit.is_expected and crossing.direction != "in"
            if crossing.direction == "out":
                unit.seen = {}
            unit.is_gone = crossing.direction == "out"

    def _slot_sight(self, observation: Observation) -> None:
        sight = observation.reading
        assert isinstance(sight, SlotSight)
        self.counts[f"frame_{sight.state}"] += 1
        if sight.picture_sha256 in self._pictures:
            # Counted, not judged: the twin believes what such a picture shows.
            self.counts["picture_came_again"] += 1
        elif sight.picture_sha256:
            self._pictures.add(sight.picture_sha256)
        at, device = observation.observed_at, observation.device_id
        if sight.state != "fresh" or at < self._framed_at.get(device, at):
            return
        self._framed_at[device] = at
        self._sights.update(dict.fromkeys(sight.occupied, (at, device)))
        self._sights.update(dict.fromkeys(sight.empty))

    def _sight_of(self, sscc: str, unit: Unit) -> tuple[datetime, str] | None:
        """When a camera last found the unit's slot occupied, after it was put there; None when the slot was
        empty since, or another unit was put into it. Which unit stands there, the last set-down says, and for
        stock that was never moved the books: the twin itself believes the first alone."""
        if unit.slot_id is None or self._in_slot.get(unit.slot_id) != sscc:
            return None
        sight = self._sights.get(unit.slot_id)
        placed_at = unit.seen["position"][0] if "position" in unit.seen else None
        return None if sight is None or (placed_at is not None and sight[0] < placed_at) else sight

    def _scan(self, observation: Observation) -> None:
        scan = observation.reading
        assert isinstance(scan, CodeScan)
        unit = self.units.get(scan.code)
        if unit is not None and unit.slot_id is not None and scan.place_code != unit.slot_id:
            self.counts["scanned_elsewhere_than_set_down"] += 1

    def _mass(self, _: Observation) -> None:
        self.counts["weighings"] += 1

    def _position(self, observation: Observation) -> None:
        position = observation.reading
        assert isinstance(position, PositionReading)
        if position.load_epc_hex is not None:
            self.counts["positions_under_load"] += 1

    def _saw(self, unit: Unit, modality: str, observation: Observation) -> None:
        known = unit.seen.get(modality)
        if known is None or known[0] < observation.observed_at:
            unit.seen[modality] = (observation.observed_at, observation.device_id)

    # --- what it amounts to ------------------------------------------------------------------------

    def lots(self, now: datetime) -> dict[str, LotEvidence]:
        """What sensors vouch for of each lot at a moment."""
        members: dict[str, list[UnitSeen]] = defaultdict(list)
        for sscc, unit in self.units.items():
            sight = self._sight_of(sscc, unit)
            seen = unit.seen if sight is None else {**unit.seen, "sight": sight}
            fresh = {name: last for name, last in seen.items() if now - last[0] <= COUNTED_FOR}
            if unit.is_gone or not fresh:
                fresh = {}
            members[unit.lot].append(
                UnitSeen(
                    unit_id=sscc,
                    modalities={name: at for name, (at, _) in fresh.items()},
                    evidence_ids={name: f"{device}:1:1" for name, (_, device) in fresh.items()},
                )
            )
        return {lot: lot_evidence(units) for lot, units in sorted(members.items())}
