"""Messages of real readers as others captured and published them, and what must come of each.

The tag events are captures of an FXR60 (firmware 5.0.7); the heartbeat is of an FX9600, shortened; the batch
of a handheld is the example of Zebra's documentation.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from devices.drivers.zebra_json.codec import EVENTS_MAX, MESSAGE_BYTES_MAX, decode
from devices.transport.decoding import Arrived
from kernel.messages import BeamState, DeviceStatus, Observation, Rejected, TagRead

NOW = datetime(2026, 9, 7, 13, 0, tzinfo=UTC)
INVENTORY = b"""{"data":{"antenna":1,"eventNum":5059,"format":"epc","idHex":"e2806894000040017790e471",
"peakRssi":-37,"reads":1},"timestamp":"2026-09-07T12:50:55.513+0000","type":"INVENTORY"}"""
CUSTOM = b"""{"data":{"CRC":"f3b3","PC":"3000","accessResults":["e280689420004001"],"antenna":1,
"channel":908.25,"eventNum":4828,"format":"epc","idHex":"e2806894000040017790e471","peakRssi":-37,
"phase":14.029969215393066,"reads":1},"timestamp":"2026-09-07T12:30:28.390+0000","type":"CUSTOM"}"""
SIMPLE = b"""{"data":{"eventNum":5036,"format":"epc","idHex":"e2806894000040017790e471"},
"timestamp":"2026-09-07T12:50:36.194+0000","type":"SIMPLE"}"""
HANDHELD = b"""{"type":"BALANCED_PERFORMANCE","timestamp":"2019-08-24T14:15:22Z","data":{"tagData":[
{"EPCid":"BEDD11112222333344445555","EPC":"BEDD11112222333344445555",
"TID":"E2003412013BFD000B4E16D21D030143000D5FFBFFFFDC60","USER":"12343333123456781234567812345678",
"channel":911.75,"eventNum":1,"peakRssi":-39,"phase":0,"seenCount":1,
"accessResults":["READ-EPC-SUCCESS","READ-TID-SUCCESS","WRITE-USER-No Response from Tag"]}]}}"""
HEARTBEAT = b"""{"component":"RG","data":{"radio_control":{"antennas":{"1":"disconnected","2":"disconnected",
"3":"disconnected","4":"connected"},"cpu":0.1,"numDataMessagesTxed":3062,"numErrors":7,"numTagReads":3062,
"radioActivity":"inactive","radioConnection":"connected","ram":2.2,"status":"running","uptime":"05:19:28"},
"reader_gateway":{"cpu":0.4,"numManagementEventsTxed":327},"system":{"GPI":{"1":"HIGH","2":"HIGH"}},
"userapps":[]},"eventNum":328,"timestamp":"2023-03-01T13:57:29.126+0000","type":"heartbeat"}"""
ACTIVE = HEARTBEAT.replace(b'"inactive"', b'"active"')
INPUT = b"""{"component":"RG","data":{"pin":2,"state":"LOW"},"eventNum":9,
"timestamp":"2026-09-07T12:21:53.635+0000","type":"gpi"}"""


def read(payload: bytes, channel: str = "vendor/tags", **settings: Any) -> list[Observation | Rejected]:
    arrived = Arrived(
        site_id="site-a",
        device_id="gate-1-reader",
        payload=payload,
        received_at=NOW,
        channel=channel,
        settings=settings,
    )
    return decode(arrived, {})


def test_a_tag_event_of_a_real_reader_is_a_read() -> None:
    [observation] = read(INVENTORY)
    assert observation.device_id == "gate-1-reader"
    assert observation.observed_at == datetime(2026, 9, 7, 12, 50, 55, 513_000, tzinfo=UTC)
    assert observation.reading == TagRead(
        epc_hex="E2806894000040017790E471",
        antenna=1,
        rssi_cdbm=-3700,
        seen_count=1,
        event_number=5059,
    )


def test_members_that_are_not_used_do_not_matter() -> None:
    [observation] = read(CUSTOM)
    assert observation.reading == TagRead(
        epc_hex="E2806894000040017790E471", antenna=1, rssi_cdbm=-3700, event_number=4828
    )


def test_events_may_come_in_a_list_or_as_a_list_of_tags() -> None:
    listed = read(b"[" + INVENTORY + b"," + CUSTOM + b"]")
    assert [item.reading.event_number for item in listed] == [5059, 4828]
    [data] = INVENTORY.splitlines()[:1]
    tags = INVENTORY.replace(b'"data":{', b'"data":[{').replace(b'"reads":1}', b'"reads":1}]')
    assert data in INVENTORY
    assert [item.reading for item in read(tags)] == [item.reading for item in read(INVENTORY)]


def test_a_batch_of_a_handheld_is_read_tag_by_tag() -> None:
    [observation] = read(HANDHELD)
    assert observation.observed_at == datetime(2019, 8, 24, 14, 15, 22, tzinfo=UTC)
    assert observation.reading == TagRead(
        epc_hex="BEDD11112222333344445555",
        antenna=1,
        rssi_cdbm=-3900,
        seen_count=1,
        tid_hex="E2003412013BFD000B4E16D21D030143000D5FFBFFFFDC60",
        event_number=1,
    )


def test_a_handhelds_other_name_for_the_epc_will_do() -> None:
    [observation] = read(HANDHELD.replace(b'"EPC":"BEDD11112222333344445555",', b""))
    assert observation.reading.epc_hex == "BEDD11112222333344445555"


def test_a_wrong_tag_of_a_batch_costs_only_itself() -> None:
    wrong = b'{"EPC":"E2003411B802011533ABCD12","eventNum":2}'
    right = b'{"EPC":"E2003411B802011533ABCD13","eventNum":3,"peakRssi":-52,"seenCount":14}'
    items = read(HANDHELD.replace(b'"tagData":[', b'"tagData":[' + wrong + b"," + right + b","))
    assert isinstance(items[0], Rejected)
    assert (items[0].field, items[0].raw) == ("data.peakRssi", wrong)
    assert [item.reading.event_number for item in items[1:]] == [3, 1]


def test_words_in_place_of_the_chips_number_are_no_number() -> None:
    words = b'"TID":"Error: tag returned error code 0x03 = Memory overrun","reads":1'
    [observation] = read(INVENTORY.replace(b'"reads":1', words))
    assert observation.reading.tid_hex == ""


@pytest.mark.parametrize(
    ("payload", "antennas", "status"),
    [
        (ACTIVE, [4], DeviceStatus(state="online")),
        (ACTIVE, [2, 4], DeviceStatus(state="fault", reason="antenna 2 disconnected")),
        (HEARTBEAT, [4], DeviceStatus(state="fault", reason="inventory inactive")),
        (
            HEARTBEAT.replace(b'"radioConnection":"connected"', b'"radioConnection":"disconnected"'),
            [4],
            DeviceStatus(state="fault", reason="radio disconnected"),
        ),
    ],
)
def test_a_heartbeat_says_whether_the_reader_listens(
    payload: bytes, antennas: list[int], status: DeviceStatus
) -> None:
    [observation] = read(payload, "vendor/events", antennas=antennas)
    assert observation.reading == status
    assert observation.observed_at == datetime(2023, 3, 1, 13, 57, 29, 126_000, tzinfo=UTC)


def test_an_input_is_a_beam_where_one_is_wired_to_it() -> None:
    [broken] = read(INPUT, "vendor/events", beam_inputs=[2], beam_broken_is_high=False)
    assert broken.reading == BeamState(beam=2, is_broken=True)
    [free] = read(INPUT, "vendor/events", beam_inputs=[2])
    assert free.reading == BeamState(beam=2, is_broken=False)
    assert read(INPUT, "vendor/events", beam_inputs=[1]) == []


def test_an_error_is_a_fault_in_the_readers_words() -> None:
    too_hot = INPUT.replace(b'"pin":2,"state":"LOW"', b'"message":"PA too hot"').replace(b"gpi", b"error")
    [said] = read(too_hot, "vendor/events")
    assert said.reading == DeviceStatus(state="fault", reason="PA too hot")
    assert read(INPUT.replace(b"gpi", b"gpo"), "vendor/events") == []


def test_an_event_that_comes_twice_is_one_reading() -> None:
    [first], [again] = read(INVENTORY), read(INVENTORY)
    assert first == again
    [other] = read(INVENTORY.replace(b"5059", b"5060"))
    assert other.observation_id != first.observation_id


@pytest.mark.parametrize(
    ("payload", "channel", "field"),
    [
        (b"", "vendor/tags", "message"),
        (b"[]", "vendor/tags", "message"),
        (b"[" * 5000, "vendor/tags", "message"),
        (b" " * (MESSAGE_BYTES_MAX + 1), "vendor/tags", "message"),
        (b"[" + b"{}," * EVENTS_MAX + b"{}]", "vendor/tags", "message"),
        (b"7", "vendor/tags", "event"),
        (b"{}", "vendor/tags", "event"),
        (INVENTORY, "observation", "channel"),
        (INVENTORY.replace(b".513+0000", b""), "vendor/tags", "timestamp"),
        (INVENTORY.replace(b"2026-09-07T12:50:55.513+0000", b"07/09/2026 12:50"), "vendor/tags", "timestamp"),
        (SIMPLE, "vendor/tags", "data.antenna"),
        (SIMPLE.replace(b'"format"', b'"antenna":1,"format"'), "vendor/tags", "data.peakRssi"),
        (INVENTORY.replace(b"e2806894", b"xx806894"), "vendor/tags", "data.idHex"),
        (INVENTORY.replace(b'"format":"epc"', b'"format":"tid"'), "vendor/tags", "data.format"),
        (INVENTORY.replace(b'"eventNum":5059', b'"eventNum":"5059"'), "vendor/tags", "data.eventNum"),
        (INVENTORY.replace(b'"peakRssi":-37', b'"peakRssi":1e308'), "vendor/tags", "data.peakRssi"),
        (INVENTORY.replace(b'"data":{', b'"data":7,"x":{'), "vendor/tags", "data"),
        (HANDHELD.replace(b'"tagData":[', b'"tagData":[],"x":['), "vendor/tags", "data.tagData"),
        (HANDHELD.replace(b'"tagData":[', b'"tagData":{},"x":['), "vendor/tags", "data.tagData"),
        (HANDHELD.replace(b'"EPC', b'"X'), "vendor/tags", "data.EPC"),
        (INVENTORY, "vendor/events", "type"),
        (INPUT.replace(b'"LOW"', b'"OFF"'), "vendor/events", "data.state"),
        (HEARTBEAT.replace(b'"antennas":{', b'"antennas":7,"x":{'), "vendor/events",
         "data.radio_control.antennas"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_set_aside_under_its_field(payload: bytes, channel: str, field: str) -> None:
    [rejected] = read(payload, channel)
    assert isinstance(rejected, Rejected)
    assert (rejected.device_id, rejected.field) == ("gate-1-reader", field)
    assert rejected.rule
    assert rejected.raw == payload
