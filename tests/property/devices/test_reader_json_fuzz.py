"""Whatever a maker's reader sends, its codec gives readings or rejections, and ingest a verdict."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.impinj_json import codec as impinj
from devices.drivers.zebra_json import codec as zebra
from tests.property.devices.test_makers_json_fuzz import (
    anything,
    encoded,
    has_a_verdict,
    numbers,
    shape,
)

THEN = "2026-11-23T05:59:00.123456789Z"
clock = st.just(THEN) | st.sampled_from(
    [
        "2026-11-23T13:59:00.5+0800",
        "2026-11-23T05:59:00",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59.999999999-23:59",
        "2026-02-30T00:00:00Z",
    ]
)
moments = clock | st.datetimes().map(lambda at: at.isoformat() + "Z") | st.text(max_size=30) | anything
codes = st.sampled_from(["7EDA9038051002710002C0AE", "7eda", "ABC", "", "e2 80"]) | st.text(max_size=30)
base64s = st.sampled_from(["ftqQOAUQAnEAAsCu", "4oARcCAAFM2bWgjs", "AA", "AA==", "A", "-_"]) | st.text(
    max_size=30
)
ports = st.integers(-1, 20) | numbers


def beams(inputs: list[int]) -> dict[str, Any]:
    return {"beam_inputs": inputs, "beam_broken_is_high": False}


tag_members = {
    "epc": base64s,
    "epcHex": codes,
    "tid": base64s,
    "tidHex": codes,
    "antennaPort": ports,
    "peakRssiCdbm": numbers | st.integers(-9_000, 0),
    "lastSeenTime": moments,
}
impinj_events = shape(
    {"timestamp": moments, "eventType": st.sampled_from([*impinj._READ, "x", 1])},
    {
        "tagInventoryEvent": shape({}, tag_members),
        "antennaConnectedEvent": shape({"antennaPort": ports}),
        "antennaDisconnectedEvent": shape({"antennaPort": ports}),
        "inventoryStatusEvent": shape({"status": st.sampled_from(["idle", "running", "armed", "x"])}),
        "overflowEvent": shape(
            {"firstEventTimestamp": moments, "lastEventTimestamp": moments, "eventsPurged": numbers}
        ),
        "gpiTransitionEvent": shape(
            {"gpi": ports, "transition": st.sampled_from(["high-to-low", "low-to-high", "x"])}
        ),
    },
)
whole_impinj_reads = st.fixed_dictionaries(
    {
        "timestamp": st.just(THEN),
        "eventType": st.just("tagInventory"),
        "tagInventoryEvent": st.fixed_dictionaries(
            {
                "epcHex": st.just("7EDA9038"),
                "antennaPort": st.integers(0, 20),
                "peakRssiCdbm": st.integers(-16_000, 4_000),
            },
            optional={"tid": base64s, "tidHex": codes, "lastSeenTime": clock},
        ),
    }
)


@given(
    encoded(impinj_events | whole_impinj_reads | st.lists(whole_impinj_reads, max_size=3)),
    st.sampled_from(["vendor/events", "vendor/events", "vendor/status", "vendor/", "observation"]),
    st.lists(st.integers(1, 4), max_size=3),
)
def test_any_message_of_an_impinj_reader_gives_readings_or_rejections(
    payload: bytes, channel: str, inputs: list[int]
) -> None:
    has_a_verdict(impinj.decode, "impinj_json", payload, channel, {}, **beams(inputs))


zebra_tags = shape(
    {"eventNum": numbers | st.integers(1, 9)},
    {
        "idHex": codes,
        "EPC": codes,
        "EPCid": codes,
        "format": st.sampled_from(["epc", "user", 1]),
        "antenna": ports,
        "peakRssi": numbers | st.floats(-90, 0),
        "reads": numbers,
        "seenCount": numbers,
        "TID": codes,
    },
)
zebra_statements = shape(
    {},
    {
        "radio_control": shape(
            {},
            {
                "antennas": st.dictionaries(st.sampled_from(["1", "2", "3"]), codes, max_size=3),
                "radioActivity": st.text(max_size=300),
                "radioConnection": st.text(max_size=300),
            },
        ),
        "pin": ports,
        "state": st.sampled_from(["HIGH", "LOW", "x"]),
        "message": st.text(max_size=300),
        "tagData": st.lists(zebra_tags, max_size=3) | anything,
    },
)
zebra_events = shape(
    {
        "type": st.sampled_from([*zebra._STATEMENTS, "SIMPLE", 1]),
        "timestamp": moments,
        "data": zebra_tags | st.lists(zebra_tags, max_size=3) | zebra_statements | anything,
    }
)

whole_zebra_reads = st.fixed_dictionaries(
    {
        "type": st.just("CUSTOM"),
        "timestamp": st.just("2026-11-23T13:59:00.5+0800"),
        "data": st.fixed_dictionaries(
            {
                "eventNum": st.integers(-1, 2**63),
                "idHex": st.just("7eda9038"),
                "antenna": st.integers(0, 20),
                "peakRssi": st.floats(-160, 40) | numbers,
            },
            optional={"reads": numbers, "TID": codes},
        ),
    }
)


@given(
    encoded(zebra_events | whole_zebra_reads | st.lists(whole_zebra_reads, max_size=3)),
    st.sampled_from(["vendor/tags", "vendor/tags", "vendor/events", "vendor/", "observation"]),
    st.lists(st.integers(1, 4), max_size=3),
)
def test_any_message_of_a_zebra_reader_gives_readings_or_rejections(
    payload: bytes, channel: str, inputs: list[int]
) -> None:
    has_a_verdict(zebra.decode, "zebra_json", payload, channel, {}, antennas=[1, 2], **beams(inputs))
