"""Events as ChirpStack documents them, and what must come of each."""

from datetime import UTC, datetime

import pytest

from devices.drivers.chirpstack.codec import MESSAGE_BYTES_MAX, Frames, decode
from devices.transport.decoding import Arrived
from kernel.geometry import Point
from kernel.messages import (
    CONTENT_BOOT_BASE,
    DeviceStatus,
    Environment,
    GatewayHeard,
    Observation,
    PositionReading,
    Rejected,
    UplinkHeard,
)
from tests.contract.chirpstack.events import ACK, INFO, JOIN, LOCATION, LOG, STATUS, UP, saying

NOW = datetime(2022, 7, 18, 10, 0, tzinfo=UTC)
NODES = {"0101010101010101": "cold-store-1", "A84041B6E18272F1": "tracker-1"}


def channel_of(event: str, dev_eui: str = "0101010101010101") -> str:
    return f"vendor/application/17c82e96-be03-4f38-aef3-f83d48582d97/device/{dev_eui}/event/{event}"


def read(
    payload: bytes, event: str = "up", channel: str = "", frames: Frames | None = None
) -> list[Observation | Rejected]:
    arrived = Arrived(
        site_id="site-a",
        device_id="gateway",
        payload=payload,
        received_at=NOW,
        channel=channel or channel_of(event),
    )
    return decode(arrived, NODES, frames)


def readings(payload: bytes, event: str = "up") -> list[object]:
    return [item.reading for item in read(payload, event) if isinstance(item, Observation)]


def test_an_uplink_says_which_gateways_heard_the_node_and_when() -> None:
    [heard] = read(UP)
    assert heard.device_id == "cold-store-1"
    assert heard.observed_at == datetime(2022, 7, 18, 9, 34, 15, 775023, tzinfo=UTC)
    gateway = GatewayHeard(gateway="0016c001f153a14c", rssi_cdbm=-3600, snr_cdb=1050)
    assert heard.reading == UplinkHeard(counter=0, heard=(gateway,))


def test_a_join_and_a_status_say_that_the_node_is_online() -> None:
    joined = DeviceStatus(state="online", reason="joined the network as 00189440")
    assert readings(JOIN, "join") == [joined]
    status = DeviceStatus(state="online", reason="battery 88.3 %, link margin 10 dB")
    assert readings(STATUS, "status") == [status]
    powered = STATUS.replace(b'"batteryLevel": 88.3', b'"externalPowerSource": true')
    assert readings(powered, "status") == [
        DeviceStatus(state="online", reason="external power, link margin 10 dB")
    ]


def test_an_error_that_the_server_logs_is_a_fault_of_the_node() -> None:
    reason = "UPLINK_MIC: MIC of join-request is invalid, make sure keys are correct"
    assert readings(LOG, "log") == [DeviceStatus(state="fault", reason=reason)]
    assert readings(LOG.replace(b'"level": "ERROR", ', b""), "log") == []


def test_a_place_that_the_network_estimated_is_marked_so() -> None:
    assert readings(LOCATION, "location") == [
        PositionReading(point=Point(-8.839375, 37.344214, 2.0), frame="wgs84", sigma_m=100.0, fix="estimated")
    ]


@pytest.mark.parametrize("event", ["ack", "txack", "integration"])
def test_events_of_downlinks_and_other_services_say_nothing_of_the_world(event: str) -> None:
    assert read(ACK, event) == []


@pytest.mark.parametrize(
    ("said", "environment"),
    [
        (
            b'{"temperature": -18.4, "humidity": 61.5}',
            Environment(temperature_mc=-18400, humidity_permille=615),
        ),
        # Dragino LHT65 and LDS02.
        (
            b'{"BatV": 3.075, "TempC_SHT": 4.91, "Hum_SHT": 55.3, "Ext_sensor": "No sensor"}',
            Environment(temperature_mc=4910, humidity_permille=553, battery_mv=3075),
        ),
        (b'{"BAT_V": 3.1, "DOOR_OPEN_STATUS": 1}', Environment(door_open=True, battery_mv=3100)),
        # Milesight EM300; its battery is a percentage, and nothing says so.
        (
            b'{"battery": 92, "temperature": 23.4, "magnet_status": "close"}',
            Environment(temperature_mc=23400, door_open=False),
        ),
        # ChirpStack's built-in Cayenne LPP decoder.
        (
            b'{"temperatureSensor": {"3": 27.2, "5": 25.5}, "humiditySensor": {"1": 40.0}}',
            Environment(temperature_mc=27200, humidity_permille=400),
        ),
        (b'{"vbat": 3300}', Environment(battery_mv=3300)),
    ],
)
def test_surroundings_are_read_by_the_names_that_makers_use(said: bytes, environment: Environment) -> None:
    assert readings(saying(said))[1:] == [environment]


@pytest.mark.parametrize(
    ("said", "point"),
    [
        (b'{"latitude": 29.712345, "longitude": 115.987654}', Point(115.987654, 29.712345, 0.0)),
        (b'{"Latitude": -1.5, "Longitude": 2.5, "Altitude": 12}', Point(2.5, -1.5, 12.0)),
        (
            b'{"gpsLocation": {"1": {"latitude": 42.3519, "longitude": -87.9094, "altitude": 10.0}}}',
            Point(-87.9094, 42.3519, 10.0),
        ),
        (b'{"location": {"lat": 1.0, "lng": 2.0}}', Point(2.0, 1.0, 0.0)),
    ],
)
def test_a_place_is_read_wherever_the_decoder_put_it(said: bytes, point: Point) -> None:
    assert readings(saying(said))[1:] == [
        PositionReading(point=point, frame="wgs84", sigma_m=5.0, fix="single")
    ]


def test_zero_zero_is_no_fix_and_never_a_place() -> None:
    assert readings(saying(b'{"latitude": 0.0, "longitude": 0}'))[1:] == [
        DeviceStatus(state="fault", reason="no fix")
    ]


def test_a_part_of_the_payload_that_is_wrong_costs_only_itself() -> None:
    items = read(saying(b'{"latitude": 29.7, "longitude": 115.9, "temperature": "NULL"}'))
    assert [type(item).__name__ for item in items] == ["Observation", "Observation", "Rejected"]
    assert (items[2].field, items[2].rule) == ("object.temperature", "a number")


def test_one_frame_is_one_reading_of_each_kind_whatever_the_delivery_is_called() -> None:
    said = b'{"temperature": 4.0, "latitude": 29.7, "longitude": 115.9}'
    first, again = read(saying(said)), read(saying(said).replace(b"3ac7e3c4", b"4bd8f4d5"))
    identities = [item.observation_id for item in first]
    assert len(set(identities)) == 3
    assert [item.observation_id for item in again] == identities
    assert all(item.boot >= CONTENT_BOOT_BASE for item in first)
    other_frame, other_session = saying(said, 8), saying(said).replace(b"00189440", b"00189441")
    for other in (other_frame, other_session):
        assert set(identities).isdisjoint(item.observation_id for item in read(other))


def test_a_frame_that_the_server_tells_anew_is_the_reading_that_it_was() -> None:
    frames = Frames()

    def told(payload: bytes) -> list[str]:
        return [item.observation_id for item in read(payload, frames=frames)]

    frame = saying(b'{"temperature": 4.0, "latitude": 29.7, "longitude": 115.9}')
    late = frame.replace(b"3ac7e3c4", b"4bd8f4d5").replace(b":15.775023242", b":16.075023242")
    other_gateway = late.replace(b"0016c001f153a14c", b"0016c001f153a14d")
    heard, *said = told(frame)
    assert [told(late), told(other_gateway), told(frame)] == [said, said, [heard, *said]]
    joined_anew, counting_anew = (
        late.replace(b"00189440", b"00189441"),
        late.replace(b"09:34:16", b"09:36:16"),
    )
    for other in (joined_anew, frame, counting_anew):
        again = told(other)
        assert len(again) == 3
        assert set(again).isdisjoint(said) == (other is not frame)


def test_a_dev_eui_is_the_same_in_either_case() -> None:
    upper = UP.replace(b"0101010101010101", b"a84041b6e18272f1")
    [heard] = read(upper, channel=channel_of("up", "a84041b6e18272f1"))
    assert heard.device_id == "tracker-1"


@pytest.mark.parametrize(
    ("payload", "channel", "field"),
    [
        (b"{", "", "message"),
        (b"[]", "", "message"),
        (b" " * (MESSAGE_BYTES_MAX + 1), "", "message"),
        (UP, "observation", "channel"),
        (UP, "vendor/up", "channel"),
        (UP, channel_of("down"), "channel"),
        (UP, channel_of("up", "0202020202020202"), "deviceInfo.devEui"),
        (UP.replace(b"0101010101010101", b"0202020202020202"), "", "deviceInfo.devEui"),
        (
            UP.replace(b"0101010101010101", b"0202020202020202"),
            channel_of("up", "0202020202020202"),
            "deviceInfo.devEui",
        ),
        (UP.replace(b"+00:00", b""), "", "time"),
        (UP.replace(b'"2022-07-18T', b'"yesterday'), "", "time"),
        (UP.replace(b'"rssi": -36', b'"rssi": "weak"'), "", "rxInfo[0].rssi"),
        (UP.replace(INFO, b"{}"), "", "deviceInfo"),
        (UP.replace(b'"snr": 10.5', b'"snr": 1e300'), "", "rxInfo.snr"),
    ],
)
def test_what_is_wrong_is_set_aside_under_its_field(payload: bytes, channel: str, field: str) -> None:
    [rejected] = read(payload, channel=channel)
    assert isinstance(rejected, Rejected)
    assert (rejected.device_id, rejected.field, rejected.raw) == ("gateway", field, payload)
    assert rejected.rule
