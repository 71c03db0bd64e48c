"""Events in the form of Impinj's schema ReaderEvent (REST API 1.7), and what must come of each.

The tag event is the one that the open library barnowl-impinj tests itself with, its EPC in both encodings;
the others are composed by hand from the schema.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from devices.drivers.impinj_json.codec import EVENTS_MAX, MESSAGE_BYTES_MAX, decode
from devices.transport.decoding import Arrived
from kernel.messages import BeamState, DeviceStatus, Observation, Rejected, TagRead

NOW = datetime(2022, 6, 13, 14, 2, tzinfo=UTC)
QUEUED_AT = datetime(2022, 6, 13, 14, 1, 2, 123_456, tzinfo=UTC)
SEEN_AT = datetime(2022, 6, 13, 14, 1, 1, tzinfo=UTC)
TAG = b"""{"timestamp":"2022-06-13T14:01:02.123456000Z","hostname":"impinj-01-23-45",
"eventType":"tagInventory","tagInventoryEvent":{"epc":"ftqQOAUQAnEAAsCu","epcHex":"7EDA9038051002710002C0AE","tid":"4oARcCAAFM2bWgjs",
"tidHex":"E2801170200014CD9B5A08EC","pc":"NAA=","antennaPort":1,"antennaName":"ANTENNA-NAME",
"peakRssiCdbm":-7000,"frequency":927250,"transmitPowerCdbm":3000,"lastSeenTime":"2022-06-13T14:01:01Z",
"phaseAngle":69.00}}"""


def event(kind: str, content: str) -> bytes:
    return (
        f'{{"timestamp":"2022-06-13T14:01:02.123456Z","eventType":"{kind}","{kind}Event":{content}}}'.encode()
    )


def read(
    payload: bytes, channel: str = "vendor/events", received_at: datetime = NOW, **settings: Any
) -> list[Observation | Rejected]:
    arrived = Arrived(
        site_id="site-a",
        device_id="gate-1-reader",
        payload=payload,
        received_at=received_at,
        channel=channel,
        settings=settings,
    )
    return decode(arrived, {})


def test_a_tag_event_is_a_read_with_the_time_it_was_heard() -> None:
    [observation] = read(TAG)
    assert (observation.device_id, observation.observed_at) == ("gate-1-reader", SEEN_AT)
    assert observation.reading == TagRead(
        epc_hex="7EDA9038051002710002C0AE",
        antenna=1,
        rssi_cdbm=-7000,
        tid_hex="E2801170200014CD9B5A08EC",
    )
    assert observation.quality == "good"


@pytest.mark.parametrize(
    "left_out",
    [
        b'"epc":"ftqQOAUQAnEAAsCu",',
        b'"epcHex":"7EDA9038051002710002C0AE",',
        b'"tid":"4oARcCAAFM2bWgjs",',
        b'"tidHex":"E2801170200014CD9B5A08EC",',
    ],
)
def test_either_encoding_of_a_number_will_do(left_out: bytes) -> None:
    assert left_out in TAG.replace(b"\n", b"")
    [whole], [partly] = read(TAG), read(TAG.replace(b"\n", b"").replace(left_out, b""))
    assert partly.reading == whole.reading


def test_base64url_is_read_with_its_own_letters_and_with_padding() -> None:
    """Bytes FB EF FF FE are `--___g==` in the alphabet for addresses (RFC 4648, section 5)."""
    both = b'"epc":"ftqQOAUQAnEAAsCu","epcHex":"7EDA9038051002710002C0AE"'
    for text in (b"--___g==", b"--___g"):
        [observation] = read(TAG.replace(both, b'"epc":"' + text + b'"'))
        assert observation.reading.epc_hex == "FBEFFFFE"


def test_a_reader_that_does_not_tell_when_it_heard_a_tag_tells_when_it_queued_it() -> None:
    [observation] = read(TAG.replace(b'"lastSeenTime":"2022-06-13T14:01:01Z",', b""))
    assert observation.observed_at == QUEUED_AT


@pytest.mark.parametrize(
    ("payload", "reading"),
    [
        (
            event("antennaDisconnected", '{"antennaPort":2}'),
            DeviceStatus(state="fault", reason="antenna 2 disconnected"),
        ),
        (
            event("antennaConnected", '{"antennaPort":2}'),
            DeviceStatus(state="online", reason="antenna 2 connected"),
        ),
        (
            event("inventoryStatus", '{"status":"running"}'),
            DeviceStatus(state="online", reason="inventory running"),
        ),
        (event("inventoryStatus", '{"status":"idle"}'), DeviceStatus(state="fault", reason="inventory idle")),
        (event("inventoryTerminated", "{}"), DeviceStatus(state="fault", reason="inventory terminated")),
        (
            event(
                "overflow",
                '{"firstEventTimestamp":"2022-06-13T13:58:00Z","lastEventTimestamp":"2022-06-13T14:00:30Z",'
                '"eventsPurged":1234,"eventsRemaining":10000}',
            ),
            DeviceStatus(
                state="gap",
                reason="the reader's buffer overflowed and 1234 events were lost",
                gap_s=150.0,
            ),
        ),
        (event("gpiTransition", '{"gpi":2,"transition":"low-to-high"}'), BeamState(beam=2, is_broken=True)),
        (event("gpiTransition", '{"gpi":2,"transition":"high-to-low"}'), BeamState(beam=2, is_broken=False)),
    ],
)
def test_what_the_reader_says_of_itself_and_of_beams(payload: bytes, reading: object) -> None:
    [observation] = read(payload, beam_inputs=[1, 2])
    assert (observation.reading, observation.observed_at) == (reading, QUEUED_AT)


def test_a_beam_may_be_wired_the_other_way_round() -> None:
    payload = event("gpiTransition", '{"gpi":1,"transition":"high-to-low"}')
    [observation] = read(payload, beam_inputs=[1], beam_broken_is_high=False)
    assert observation.reading == BeamState(beam=1, is_broken=True)


@pytest.mark.parametrize(
    "payload",
    [
        event("antennaActivation", '{"antennaPort":1}'),
        event("gpiTransition", '{"gpi":3,"transition":"low-to-high"}'),
    ],
)
def test_events_that_tell_us_nothing_are_passed_over(payload: bytes) -> None:
    assert read(payload, beam_inputs=[1, 2]) == []


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"connected", DeviceStatus(state="online")),
        (b"connection lost", DeviceStatus(state="offline", reason="the reader left the broker")),
        (b"disconnected\n", DeviceStatus(state="offline", reason="the reader left the broker")),
    ],
)
def test_status_texts_are_suspect_since_they_carry_no_time(text: bytes, status: DeviceStatus) -> None:
    [observation] = read(text, "vendor/status")
    assert (observation.reading, observation.observed_at, observation.quality) == (status, NOW, "suspect")


def test_a_list_is_read_in_its_order_and_a_wrong_event_costs_only_itself() -> None:
    wrong = TAG.replace(b'"antennaPort":1', b'"antennaPort":"one"')
    items = read(b"[" + TAG + b"," + wrong + b"," + event("inventoryStatus", '{"status":"idle"}') + b"]")
    assert [type(item).__name__ for item in items] == ["Observation", "Rejected", "Observation"]
    assert (items[1].field, items[1].rule) == (
        "tagInventoryEvent.antennaPort",
        "a whole number or nothing, not a text",
    )
    assert items[1].raw == wrong


def test_an_event_that_comes_twice_is_one_reading() -> None:
    later = NOW.replace(hour=15)
    [first], [again] = read(TAG), read(TAG, received_at=later)
    assert first == again
    [other] = read(TAG.replace(b"-7000", b"-7001"))
    assert other.observation_id != first.observation_id


@pytest.mark.parametrize(
    ("payload", "channel", "field"),
    [
        (b"", "vendor/events", "message"),
        (b"{", "vendor/events", "message"),
        (b"[]", "vendor/events", "message"),
        (b"[" * 5000, "vendor/events", "message"),
        (b" " * (MESSAGE_BYTES_MAX + 1), "vendor/events", "message"),
        (b"[" + b"{}," * EVENTS_MAX + b"{}]", "vendor/events", "message"),
        (b"7", "vendor/events", "event"),
        (b"{}", "vendor/events", "event"),
        (TAG, "vendor/tags", "channel"),
        (TAG, "observation", "channel"),
        (b"hello", "vendor/status", "status"),
        (TAG.replace(b"tagInventory", b"tagKilled"), "vendor/events", "eventType"),
        (TAG.replace(b'"tagInventoryEvent"', b'"event"'), "vendor/events", "tagInventoryEvent"),
        (TAG.replace(b"02.123456000Z", b"02"), "vendor/events", "timestamp"),
        (TAG.replace(b"14:01:01Z", b"14:01:01"), "vendor/events", "tagInventoryEvent.lastSeenTime"),
        (TAG.replace(b'"epc"', b'"no"').replace(b'"epcHex"', b'"none"'), "vendor/events",
         "tagInventoryEvent.epcHex"),
        (TAG.replace(b"ftqQ", b"gtqQ"), "vendor/events", "tagInventoryEvent.epc"),
        (TAG.replace(b"ftqQ", b"f+qQ"), "vendor/events", "tagInventoryEvent.epc"),
        (TAG.replace(b"ftqQ", b"ft"), "vendor/events", "tagInventoryEvent.epc"),
        (TAG.replace(b"7EDA", b"7ED"), "vendor/events", "tagInventoryEvent.epcHex"),
        (TAG.replace(b'"antennaPort"', b'"port"'), "vendor/events", "tagInventoryEvent.antennaPort"),
        (TAG.replace(b'"peakRssiCdbm"', b'"rssi"'), "vendor/events", "tagInventoryEvent.peakRssiCdbm"),
        (event("inventoryStatus", '{"status":"asleep"}'), "vendor/events", "inventoryStatusEvent.status"),
        (event("overflow", '{"firstEventTimestamp":"2022-06-13T13:58:00","lastEventTimestamp":'
               '"2022-06-13T14:00:30Z","eventsPurged":1}'), "vendor/events",
         "overflowEvent.firstEventTimestamp"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_set_aside_under_its_field(payload: bytes, channel: str, field: str) -> None:
    [rejected] = read(payload, channel)
    assert isinstance(rejected, Rejected)
    assert (rejected.device_id, rejected.field) == ("gate-1-reader", field)
    assert rejected.rule
    assert rejected.raw == payload
