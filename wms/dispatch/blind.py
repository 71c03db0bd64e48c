"""When the gates of a site were blind for a party: what may have left by them then, nobody saw."""

from devices import api as devices
from devices.messages import CLOCK_AHEAD_MAX
from kernel.layout import Layout
from kernel.tx import Tx
from twin import api as twin
from wms.dispatch import store
from wms.dispatch.barriers import witnesses
from wms.messages import BlindSpan


async def blind_spans(tx: Tx, site_id: str, party_id: str) -> list[BlindSpan]:
    """The spans in which a reader or the barrier of a gate, or the scale in its lane, did not watch for the
    party, and when a layout took such from a gate, for whoever asks; in order of their ends."""
    gates = gates_by_mount(await twin.layout_of(tx, site_id))
    spans = await devices.unwatched_spans(tx, site_id, party_id, gates.keys())
    found = [
        BlindSpan(
            gate_id=gates[span.mount_id],
            mount_id=span.mount_id,
            why=span.why,
            since=span.since,
            until=span.until,
        )
        for span in spans
    ]
    found += [
        BlindSpan(
            gate_id=row["gate_id"],
            mount_id=row["mount_id"],
            why="dropped",
            since=row["dropped_at"],
            until=row["dropped_at"] + CLOCK_AHEAD_MAX,
        )
        for row in await store.dropped_watch(tx, site_id)
    ]
    return sorted(found, key=lambda span: span.until)


def gates_by_mount(layout: Layout) -> dict[str, str]:
    """The mounts of what watches each gate: its readers and barrier, and the scale in its lane."""
    return {
        mount_id: gate.gate_id
        for gate in layout.gates
        for mount_id in sorted(witnesses(layout, gate.gate_id).all)
    }
