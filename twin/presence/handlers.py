"""From observations to tracks: take readings in, fold them, tell crossings and set-downs."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from kernel.geometry import Point, site_from_wgs84
from kernel.messages import (
    BarrierState,
    DevicePlaced,
    DeviceRetired,
    Envelope,
    Event,
    LoadChange,
    MassReading,
    Observation,
    PositionReading,
    TagRead,
)
from kernel.tx import Row, Tx
from twin.facts import tell
from twin.layout.model import MOVING, SiteMap
from twin.layout.store import current
from twin.messages import TagUnknown, UnitCrossed, UnitSetDown
from twin.presence import store
from twin.presence.model import PASSAGE, Base, Crossing, Derived, Kept, Sighting, Stay, fold_on, open_stays
from twin.presence.sights import SlotSeen, latest_of

NEAR = timedelta(minutes=10)
"""What changed at a gate within this time of each other is looked at together."""


class Intake(msgspec.Struct, kw_only=True):
    """What a batch of a site's journal holds for the twin, by kind."""

    sightings: list[Sighting] = []
    weighings: list[tuple[str, Envelope]] = []
    """(weighbridge id, observation of a mass)."""
    barriers: list[tuple[str, Envelope]] = []
    """(gate id, observation of a barrier)."""
    poses: dict[str, Row] = {}
    """The newest pose by device."""
    slots: dict[str, SlotSeen] = {}
    """The latest sights of slots."""


class Touched(msgspec.Struct, kw_only=True):
    """What a fold has changed: units, vehicles (from when on), and when at which gates."""

    unit_ids: set[str] = set()
    vehicles: dict[str, datetime | None] = {}
    """By vehicle, the earliest moment that may have changed; None: everything."""
    gates: dict[str, list[tuple[datetime, datetime]]] = {}

    def gate(self, gate_id: str, first_at: datetime, last_at: datetime) -> None:
        """Note that something changed at a gate in a period."""
        self.gates.setdefault(gate_id, []).append((first_at, last_at))

    def at_gates(self) -> list[tuple[str, datetime, datetime]]:
        """Gates and periods in their order; what lies near together is one period, but what came late and
        what is live is not made one of all that lies between."""
        found: list[tuple[str, datetime, datetime]] = []
        for gate_id, periods in sorted(self.gates.items()):
            for first_at, last_at in sorted(periods):
                before = found[-1] if found and found[-1][0] == gate_id else None
                if before is not None and first_at - before[2] <= NEAR:
                    found[-1] = (gate_id, before[1], max(before[2], last_at))
                else:
                    found.append((gate_id, first_at, last_at))
        return found

    def vehicle(self, vehicle_id: str, since: datetime | None) -> None:
        """Note that a vehicle changed from `since` on."""
        if vehicle_id in self.vehicles:
            known = self.vehicles[vehicle_id]
            since = None if known is None or since is None else min(known, since)
        self.vehicles[vehicle_id] = since


# --- taking in -----------------------------------------------------------------------------------


async def take_in(tx: Tx, site_id: str, envelopes: Iterable[Envelope], site: SiteMap) -> Intake:
    """Sort a batch by what it says. A device without a place in the layout says nothing to the twin."""
    batch = list(envelopes)
    mount_of = await store.mounts(tx, site_id, {envelope.observation.device_id for envelope in batch})
    intake, placed = Intake(), list[Envelope]()
    for envelope in batch:
        mount = site.mounts.get(mount_of.get(envelope.observation.device_id, ""))
        if mount is not None:
            placed.append(envelope)
            _sort_in(intake, envelope, mount.serves, site)
    intake.slots = latest_of(placed, site.slot_ids)
    return intake


def _sort_in(intake: Intake, envelope: Envelope, serves: str, site: SiteMap) -> None:
    observation, reading = envelope.observation, envelope.observation.reading
    if isinstance(reading, PositionReading):
        pose, known = _pose(observation, reading, serves, site), intake.poses.get(observation.device_id)
        if known is None or _pose_key(known) < _pose_key(pose):
            intake.poses[observation.device_id] = pose
    elif isinstance(reading, TagRead):
        intake.sightings.append(_tag_sighting(envelope, reading, serves, site))
    elif isinstance(reading, LoadChange):
        intake.sightings.append(_load_sighting(envelope, reading, site))
    elif isinstance(reading, MassReading) and serves in site.bridges:
        intake.weighings.append((serves, envelope))
    elif isinstance(reading, BarrierState) and serves in site.gates:
        intake.barriers.append((serves, envelope))


def _pose_key(pose: Row) -> tuple[datetime, float, float]:
    return (pose["at"], pose["x_m"], pose["y_m"])


def _tag_sighting(envelope: Envelope, read: TagRead, serves: str, site: SiteMap) -> Sighting:
    observation = envelope.observation
    gate_id = serves if serves in site.gates else None
    return Sighting(
        observation_id=observation.observation_id,
        device_id=observation.device_id,
        boot=observation.boot,
        sequence=observation.sequence,
        observed_at=observation.observed_at,
        epc_hex=read.epc_hex.upper(),
        kind="tag",
        gate_id=gate_id,
        side=None if gate_id is None else site.side_of(gate_id, read.antenna),
        rssi_cdbm=read.rssi_cdbm,
        seen_count=max(1, read.seen_count),
        is_accepted=envelope.is_accepted,
    )


def _load_sighting(envelope: Envelope, load: LoadChange, site: SiteMap) -> Sighting:
    observation = envelope.observation
    is_set_down, point = load.action == "set_down", _in_site(load, site)
    slot_id = site.slot_at(point) if is_set_down else None
    return Sighting(
        observation_id=observation.observation_id,
        device_id=observation.device_id,
        boot=observation.boot,
        sequence=observation.sequence,
        observed_at=observation.observed_at,
        epc_hex=load.epc_hex.upper(),
        kind=load.action,
        place=site.place_at(point) if is_set_down and slot_id is None else None,
        slot_id=slot_id,
        side=site.side_of_load(point),
        x_m=point.x_m,
        y_m=point.y_m,
        z_m=point.z_m,
        is_accepted=envelope.is_accepted,
    )


def _pose(observation: Observation, reading: PositionReading, serves: str, site: SiteMap) -> Row:
    """Where a device is, in the site's frame. A truck stands on the ground, whatever height its receiver
    tells; what a satellite receiver places far from the site is gone from it."""
    point_in_site = _in_site(reading, site)
    is_gone = reading.frame == "wgs84" and not site.is_near(point_in_site)
    return {
        "device_id": observation.device_id,
        "x_m": point_in_site.x_m,
        "y_m": point_in_site.y_m,
        "z_m": 0.0 if serves == "truck" else point_in_site.z_m,
        "heading_deg": reading.heading_deg,
        "load_epc_hex": reading.load_epc_hex,
        "at": observation.observed_at,
        "is_gone": is_gone,
    }


def _in_site(reading: PositionReading | LoadChange, site: SiteMap) -> Point:
    point = reading.point
    if reading.frame == "anchor":
        return point
    return site_from_wgs84(site.layout.origin, point.y_m, point.x_m, point.z_m)


async def put_poses(tx: Tx, site_id: str, poses: dict[str, Row]) -> None:
    """Keep the newest pose of each moving thing: one statement, however many reports came."""
    await store.put_poses(tx, site_id, [pose for _, pose in sorted(poses.items())])


async def see_slots(tx: Tx, site_id: str, intake: Intake, touched: Touched) -> None:
    """Keep what cameras saw of slots; the units in those, and in slots that something was put into, are
    touched."""
    slot_ids = await store.put_slot_sights(tx, site_id, [seen for _, seen in sorted(intake.slots.items())])
    put_into = {sighting.slot_id for sighting in intake.sightings if sighting.slot_id is not None}
    touched.unit_ids |= await store.units_in(tx, site_id, slot_ids | put_into)


# --- folding -------------------------------------------------------------------------------------


class Folded(msgspec.Struct, kw_only=True):
    """The outcome of folding some tags."""

    tracks: dict[str, Kept] = {}
    derived: dict[str, Derived] = {}
    after: dict[str, datetime | None] = {}
    """Tags folded again, because something came late: after which moment, or from the start (None)."""
    forgotten: dict[str, Derived] = {}
    """What was derived of these before, as far as it reaches beyond that moment."""


async def fold_sightings(tx: Tx, site_id: str, sightings: Sequence[Sighting], site: SiteMap) -> Touched:
    """Take sightings into the journal and fold the tags they concern."""
    fresh = await store.insert_sightings(tx, site_id, sightings)
    by_tag: dict[str, list[Sighting]] = {}
    for sighting in sorted(fresh, key=lambda sighting: sighting.key):
        by_tag.setdefault(sighting.epc_hex, []).append(sighting)
    return await _fold_tags(tx, site_id, by_tag, set(), site)


async def refold(tx: Tx, site_id: str, tags: Collection[str], site: SiteMap) -> Touched:
    """Fold all sightings of tags again, as after they were declared on something."""
    seen = await store.have_sightings(tx, site_id, tags)
    return await _fold_tags(tx, site_id, {tag: [] for tag in seen}, set(seen), site)


async def _fold_tags(
    tx: Tx, site_id: str, by_tag: dict[str, list[Sighting]], anew: set[str], site: SiteMap
) -> Touched:
    if not by_tag:
        return Touched()
    subjects = await store.subjects(tx, site_id, by_tag)
    kept = await store.tracks(tx, site_id, by_tag)
    late = {tag for tag, new in by_tag.items() if new and tag in kept and new[0].key <= kept[tag].through}
    bases = await store.bases(tx, site_id, late)
    bases = {tag: base for tag, base in bases.items() if base.at < by_tag[tag][0].observed_at}
    folded = Folded(after={tag: bases[tag].at if tag in bases else None for tag in sorted(late | anew)})
    again = await store.sightings_after(tx, site_id, folded.after)
    folded.forgotten = await store.forget_derived(tx, site_id, folded.after)
    for tag, new in by_tag.items():
        start, beyond = bases.get(tag), 0
        if tag in kept and tag not in folded.after:
            start, beyond = Base(at=kept[tag].through[0], track=kept[tag].track), kept[tag].beyond
        resumed = open_stays(start.track) if start is not None and tag in folded.after else {}
        expected = tag in subjects and subjects[tag]["is_expected"]
        folded.tracks[tag], derived = fold_on(
            start,
            beyond,
            again.get(tag, new),
            new[0].observed_at if new else None,
            expected_gate_id=_first_gate(site) if expected else None,
        )
        if resumed:
            # A stay that was dropped for reaching beyond the base stands as it did there, unless it goes on.
            dropped = folded.forgotten[tag].stays.keys()
            derived.stays = {key: resumed[key] for key in resumed.keys() & dropped} | derived.stays
        folded.derived[tag] = derived
    await store.save_tracks(tx, site_id, folded.tracks)
    await store.save_derived(tx, site_id, folded.derived)
    _tell_crossings(tx, site_id, folded, subjects)
    _tell_set_downs(tx, site_id, by_tag, subjects)
    await _tell_unknown(tx, site_id, by_tag, subjects)
    return _touched(folded, subjects, anew)


def _first_gate(site: SiteMap) -> str | None:
    return min(site.gates, default=None)


def _tell_crossings(tx: Tx, site_id: str, folded: Folded, subjects: dict[str, Row]) -> None:
    """Tell crossings of units and of undeclared tags; one that was told before folding again stays told."""
    for tag, derived in sorted(folded.derived.items()):
        subject = subjects.get(tag)
        if subject is not None and subject["vehicle_id"] is not None:
            continue
        told = folded.forgotten[tag].crossings if tag in folded.after else []
        for crossing in derived.crossings:
            if any(_same(crossing, earlier) for earlier in told):
                continue
            tx.emit(
                UnitCrossed(
                    site_id=site_id,
                    gate_id=crossing.gate_id,
                    unit_id=None if subject is None else subject["unit_id"],
                    epc_hex=tag,
                    direction=crossing.direction,
                    crossed_at=crossing.crossed_at,
                    evidence_ids=crossing.evidence_ids,
                    is_direct=crossing.is_direct,
                )
            )


def _same(crossing: Crossing, earlier: Crossing) -> bool:
    """Late reads may move a crossing by a moment: within one passage it is the same."""
    return (
        crossing.gate_id == earlier.gate_id
        and crossing.direction == earlier.direction
        and abs(crossing.crossed_at - earlier.crossed_at) <= PASSAGE
    )


def _tell_set_downs(
    tx: Tx, site_id: str, by_tag: dict[str, list[Sighting]], subjects: dict[str, Row]
) -> None:
    """Tell each set-down when it comes in: an observation comes in once."""
    for tag, new in sorted(by_tag.items()):
        unit_id = subjects[tag]["unit_id"] if tag in subjects else None
        for sighting in new:
            if unit_id is None or sighting.kind != "set_down":
                continue
            assert sighting.x_m is not None
            assert sighting.y_m is not None
            tx.emit(
                UnitSetDown(
                    site_id=site_id,
                    unit_id=unit_id,
                    slot_id=sighting.slot_id,
                    at=sighting.observed_at,
                    evidence_ids=[sighting.observation_id],
                    point=Point(sighting.x_m, sighting.y_m, sighting.z_m or 0.0),
                )
            )


async def _tell_unknown(
    tx: Tx, site_id: str, by_tag: dict[str, list[Sighting]], subjects: dict[str, Row]
) -> None:
    facts: dict[str, Event] = {}
    for tag, new in sorted(by_tag.items()):
        if tag in subjects:
            continue
        for sighting in new:
            key = f"unknown:{site_id}:{sighting.device_id}:{tag}"
            facts.setdefault(
                key,
                TagUnknown(
                    site_id=site_id,
                    device_id=sighting.device_id,
                    epc_hex=tag,
                    observation_id=sighting.observation_id,
                    at=sighting.observed_at,
                ),
            )
    await tell(tx, facts)


def _touched(folded: Folded, subjects: dict[str, Row], anew: set[str]) -> Touched:
    touched = Touched()
    for tag, derived in folded.derived.items():
        subject = subjects.get(tag)
        before = folded.forgotten.get(tag, Derived())
        for stay in _changed_stays(before, derived, is_anew=tag in anew):
            touched.gate(stay.gate_id, stay.first_at, stay.last_at)
        for crossing in _changed_crossings(before, derived, is_anew=tag in anew):
            touched.gate(crossing.gate_id, crossing.crossed_at, crossing.crossed_at)
        if subject is None:
            continue
        if subject["unit_id"] is not None:
            touched.unit_ids.add(subject["unit_id"])
        elif derived.stays or tag in folded.after:
            starts = [stay.first_at for stay in derived.stays.values()]
            touched.vehicle(subject["vehicle_id"], None if tag in folded.after else min(starts))
    return touched


def _changed_stays(before: Derived, now: Derived, *, is_anew: bool) -> list[Stay]:
    """Stays that are other than they were, as they were and as they are; all of a tag that is folded anew,
    since it may be the tag of something else now."""
    kept = set() if is_anew else {key for key, stay in before.stays.items() if now.stays.get(key) == stay}
    return [stay for of in (before, now) for key, stay in of.stays.items() if key not in kept]


def _changed_crossings(before: Derived, now: Derived, *, is_anew: bool) -> list[Crossing]:
    kept = [] if is_anew else [crossing for crossing in before.crossings if crossing in now.crossings]
    return [crossing for of in (before, now) for crossing in of.crossings if crossing not in kept]


# --- devices -------------------------------------------------------------------------------------


async def on_device_placed(event: DevicePlaced, tx: Tx) -> None:
    """A device has a place; one that moves with a forklift or a person becomes an asset."""
    await store.put_mount(tx, msgspec.structs.asdict(event))
    await place_assets(tx, event.site_id)


async def place_assets(tx: Tx, site_id: str) -> None:
    """Number the moving things of a site; nothing while its layout is not known yet."""
    found = await current(tx, site_id)
    if found is None:
        return
    serves = {mount.mount_id: mount.serves for mount in found[0].mounts}
    for device_id, mount_id in await store.mounts_without_asset(tx, site_id):
        kind = serves.get(mount_id)
        if kind in MOVING:
            named = None if kind == "person" else device_id
            asset = {"asset_id": named, "label": named, "site_id": site_id, "kind": kind}
            await store.put_asset(tx, {**asset, "device_id": device_id})


async def on_device_retired(event: DeviceRetired, tx: Tx) -> None:
    """What the device told stays; it is no longer shown."""
    await store.retire(tx, event.device_id, event.retired_at)
