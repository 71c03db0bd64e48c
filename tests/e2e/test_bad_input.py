"""Bad input against the running program, over real sockets, with readings that arrive all the same.

Each thing that cannot be accepted must stand in quarantine with device, field and rule (or count as a
repeat), whoever sent it must be heard afterwards as before, and nothing of the program may have failed.
"""

import asyncio
import json
import os
import socket
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import httpx
import msgspec
import paho.mqtt.client as paho
import psycopg
import pytest

from app.access import database_access
from app.api_client import ApiClient, ApiProblem
from app.demo.program import Program
from app.demo.run import read_scenario
from app.settings import Settings
from app.supervise.broker_trial import connects
from app.supervise.mqtt_probe import Probe
from kernel.clock import SystemClock
from simulators.protocols.llrp.server import LlrpReaderServer
from simulators.protocols.pda.server import enrol
from tests.contract.wire import ModbusPeer
from tests.e2e.conftest import open_accounts

WITHIN_S = 60.0
HERE = "127.0.0.1"
SITE = "site-demo"
READER, SCALE, BOOM, FORK = "gate-1-reader", "weighbridge-1", "gate-1-barrier", "forklift-1"
READ_SCALE, READ_BOOM = bytes.fromhex("03 0000 000D"), bytes.fromhex("02 0000 0003")
SHUT = bytes.fromhex("02 01 02")
BOOT = 7
"""Of the forklift and of the handheld; both number their readings themselves."""


def now() -> datetime:
    return datetime.now(UTC)


def ticket(number: int, mass_100g: int, at: datetime | None = None) -> bytes:
    """The answer of the indicator: the register map `tallyhouse-1`, stable and legal for trade."""
    at = at or now()
    words = struct.pack(">iHIiIHIH", 0, 0b10001, number, mass_100g, int(at.timestamp()), 0, 1, 2)
    return bytes([3, len(words)]) + words


@dataclass
class Live:
    """The running program, people who may ask it, and the devices that it dials or that speak to it."""

    folder: Path
    address: str
    mqtt_port: int
    terminal_port: int
    app_dsn: str
    admin: ApiClient
    picker: ApiClient
    reader: LlrpReaderServer
    scale: ModbusPeer
    boom: ModbusPeer
    secrets: dict[str, str]
    handheld: str = ""
    tickets: int = 0
    sequence: int = 0
    acked: dict[int, int] = field(default_factory=dict)
    """Through which number the forklift was told to forget, by boot."""
    told: dict[str, Any] = field(default_factory=dict)
    """What else stood on the forklift's reply, by key."""
    radio: aiomqtt.Client | None = None

    # --- what the product says ---------------------------------------------------------------------

    async def until(self, ask: Callable[[], Awaitable[Any]], what: str) -> Any:
        """The first answer that is true, within a bound."""
        answer: Any = None
        try:
            async with asyncio.timeout(WITHIN_S):
                while not (answer := await ask()):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pytest.fail(f"{what}: not within {WITHIN_S:g} s")
        return answer

    async def quarantined(self, device_id: str, name: str, **expected: object) -> dict[str, Any]:
        """The entry of this device for this field, once there is one with what is expected."""

        async def look() -> list[dict[str, Any]]:
            rows = await self.admin.items(f"/sites/{SITE}/quarantine")
            return [
                row
                for row in rows
                if {"device_id": device_id, "field": name, **expected}.items() <= row.items()
            ]

        row: dict[str, Any] = (await self.until(look, f"{device_id} {name} {expected} in quarantine"))[0]
        assert row["rule"]
        return row

    async def cloned(self, device_id: str, sign: str) -> dict[str, Any]:
        """The alarm that the device was copied, once it has this sign for it."""

        async def look() -> list[dict[str, Any]]:
            return [
                alarm
                for alarm in await self.admin.items(f"/sites/{SITE}/alarms")
                if alarm["kind"] == "device_cloned" and alarm["facts"]["device_id"] == device_id
                if sign in [item["summary"] for item in alarm["evidence"]]
            ]

        alarms: list[dict[str, Any]] = await self.until(look, f"an alarm of {device_id}: {sign}")
        assert len(alarms) == 1
        return alarms[0]

    async def count(self, device_id: str, condition: str, **values: object) -> int:
        """How many readings of the device that fulfil a condition the journal holds."""
        query = f"SELECT count(*) FROM devices.observation WHERE device_id = %(device_id)s AND {condition}"
        async with await psycopg.AsyncConnection.connect(self.app_dsn) as connection:
            await connection.execute("SET ROLE tallyhouse_command")
            row = await (
                await connection.execute(query.encode(), {"device_id": device_id, **values})
            ).fetchone()
        assert row is not None
        return int(row[0])

    async def arrives(self, device_id: str, condition: str, **values: object) -> None:
        await self.until(lambda: self.count(device_id, condition, **values), f"a reading of {device_id}")

    # --- devices that still speak ------------------------------------------------------------------

    async def reader_is_heard(self) -> None:
        """A tag that nobody heard before comes through the gate, and its reading arrives."""
        epc = os.urandom(12).hex().upper()
        await self.reader.wait_until_reporting(WITHIN_S)
        self.reader.hear(epc, 1, -5_500, now())
        await self.arrives(READER, "reading->>'epc_hex' = %(epc)s", epc=epc)

    async def scale_is_read(self) -> None:
        """Another load is weighed, and its ticket arrives."""
        self.scale.spoil = bytes
        self.tickets += 1
        self.scale.answers[READ_SCALE] = ticket(self.tickets, 150_000 + self.tickets)
        await self.arrives(SCALE, "kind = 'mass' AND boot = 1 AND sequence = %(number)s", number=self.tickets)

    def next_reading(self, **changes: object) -> dict[str, object]:
        """A position of the forklift under its next number."""
        self.sequence += 1
        position = {"x_m": 5.0, "y_m": 5.0}
        given = {
            "boot": BOOT,
            "sequence": self.sequence,
            "observed_at": now().isoformat(),
            "position": position,
        }
        return given | changes

    async def say(self, payload: bytes | dict[str, object]) -> None:
        """Publish as the forklift."""
        assert self.radio is not None
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        await self.radio.publish(f"tallyhouse/v1/{SITE}/{FORK}/observation", body, qos=1)

    async def is_acknowledged(self, boot: int = BOOT) -> None:
        async def told() -> bool:
            return self.acked.get(boot, 0) >= self.sequence

        await self.until(told, f"the forklift may forget through {self.sequence}")

    async def forklift_is_heard(self) -> None:
        await self.say(self.next_reading())
        await self.is_acknowledged()
        await self.arrives(FORK, "boot = %(boot)s AND sequence = %(number)s", boot=BOOT, number=self.sequence)

    async def scan(self, sequence: int, observed_at: datetime, token: str, device_id: str = "pda-1") -> Any:
        scan = {"sequence": sequence, "observed_at": observed_at.isoformat(), "code": "00306141411234567890"}
        body = {"device_id": device_id, "boot": BOOT, "scans": [scan]}
        return await self.picker.post("/scans", body, headers={"X-Device-Token": token})


def free_ports(count: int) -> list[int]:
    probes = [socket.create_server((HERE, 0)) for _ in range(count)]
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(scope="module")
async def live(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    folder = tmp_path_factory.mktemp("bad-input")
    web, mqtt, terminals = free_ports(3)
    environment = {
        "TALLYHOUSE_DATA_DIR": str(folder),
        "TALLYHOUSE_PORT": str(web),
        "TALLYHOUSE_MQTT_PORT": str(mqtt),
        "TALLYHOUSE_BROKER": "mosquitto",
        "TALLYHOUSE_TELTONIKA_PORT": str(terminals),
    }
    address = f"http://{HERE}:{web}"
    async with AsyncExitStack() as stack:
        reader = await stack.enter_async_context(LlrpReaderServer(clock=SystemClock(), antenna_count=2))
        scale = await stack.enter_async_context(ModbusPeer({READ_SCALE: ticket(0, 0)}))
        boom = await stack.enter_async_context(ModbusPeer({READ_BOOM: SHUT}))
        await stack.enter_async_context(Program(address, environment, folder / "program.log", print))
        accounts = await open_accounts(folder)
        people = [await stack.enter_async_context(ApiClient(address)) for _ in range(2)]
        for name, client in zip(("admin", "picker"), people, strict=True):
            await client.sign_in(name, accounts[name].password)
        access = await stack.enter_async_context(database_access(Settings(data_dir=folder)))
        running = Live(
            folder, address, mqtt, terminals, access.app_dsn, *people, reader, scale, boom, secrets={}
        )
        await set_up(running)
        await stack.enter_async_context(talking(running))
        yield running


async def set_up(live: Live) -> None:
    """The demonstration's site with the devices of this test enrolled."""
    layout, _ = read_scenario()
    assert layout.site_id == SITE
    await live.admin.post("/sites", {"layout": msgspec.to_builtins(layout)})
    ports = {READER: live.reader.port, SCALE: live.scale.port, BOOM: live.boom.port}
    for mount in layout.mounts:
        if mount.mount_id not in {*ports, FORK}:
            continue
        body = {"device_id": mount.mount_id, "family": mount.family, "mount_id": mount.mount_id}
        if mount.mount_id in ports:
            body["connection"] = {"host": HERE, "port": ports[mount.mount_id]}
        answer = await live.admin.post(f"/sites/{SITE}/devices", body)
        live.secrets[mount.mount_id] = answer["secret"]
    live.handheld = await a_handheld(live, "pda-1")


async def a_handheld(live: Live, device_id: str) -> str:
    """A handheld is enrolled by its code; returns its token."""
    path = f"/sites/{SITE}/devices/pda/enrolment-codes"
    issued = await live.admin.post(path, {"device_id": device_id})
    async with httpx.AsyncClient(base_url=live.address) as client:
        _, token = await enrol(client, issued["enrolment_code"])
    return token


class talking:  # noqa: N801 - reads as a verb
    """The forklift's connection: it hears its replies while the block runs."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> None:
        live, secret = self._live, self._live.secrets[FORK]
        await live.until(lambda: connects(HERE, live.mqtt_port, FORK, secret), "the forklift is let in")
        live.radio = await self._stack.enter_async_context(
            aiomqtt.Client(HERE, live.mqtt_port, username=FORK, password=secret, identifier=FORK)
        )
        await live.radio.subscribe(f"tallyhouse/v1/{SITE}/{FORK}/reply", qos=1)
        task = asyncio.create_task(self._hear())
        self._stack.callback(task.cancel)

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _hear(self) -> None:
        assert self._live.radio is not None
        async for message in self._live.radio.messages:
            told = json.loads(bytes(message.payload))
            self._live.told |= told
            if acked := told.get("acked_through"):
                self._live.acked[acked["boot"]] = acked["sequence"]


# --- the RFID gate -----------------------------------------------------------------------------------

TAG_WITHOUT_ANTENNA = bytes.fromhex("043D0000001D0000000900F000138D3034257BF7194E4000003039" + "8100")


async def test_a_malformed_report_of_a_reader_costs_only_itself(live: Live) -> None:
    await live.reader_is_heard()
    live.reader.send_raw(TAG_WITHOUT_ANTENNA)
    row = await live.quarantined(READER, "tag.1", rule="must have 2 bytes of value")
    assert (row["site_id"], row["is_stranger"]) == (SITE, False)
    await live.reader_is_heard()


async def test_a_reader_that_stops_speaking_llrp_is_heard_again_when_it_does(live: Live) -> None:
    await live.reader.wait_until_reporting(WITHIN_S)
    live.reader.send_raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    row = await live.quarantined(READER, "header.length")
    assert row["raw_preview"].startswith("HTTP/1.1 400 Bad Request")
    await live.reader_is_heard()


async def test_a_message_of_a_version_that_nobody_speaks_is_named(live: Live) -> None:
    await live.reader.wait_until_reporting(WITHIN_S)
    live.reader.send_raw(bytes.fromhex("1C3E0000000A00000001"))
    await live.quarantined(READER, "header.version")
    await live.reader_is_heard()


async def test_a_tag_that_nobody_declared_is_listed_with_its_number(live: Live) -> None:
    epc = "3034257BF7194E40000030FF"
    await live.reader.wait_until_reporting(WITHIN_S)
    live.reader.hear(epc, 1, -5_500, now())
    await live.quarantined(READER, "epc_hex", rule="declared at this site", raw_preview=epc)


@pytest.mark.parametrize(
    ("at", "rule"),
    [
        (datetime(1970, 1, 1, 0, 0, 9, tzinfo=UTC), "not before 2020-01-01"),
        (now() + timedelta(days=400), "at most 300 s in the future"),
    ],
    ids=["1970", "the future"],
)
async def test_a_tag_read_of_another_time_is_set_aside(live: Live, at: datetime, rule: str) -> None:
    epc = os.urandom(12).hex().upper()
    await live.reader.wait_until_reporting(WITHIN_S)
    live.reader.hear(epc, 2, -5_500, at)
    row = await live.quarantined(READER, "observed_at", rule=rule)
    assert row["sequence"] is not None
    await live.reader_is_heard()
    assert await live.count(READER, "reading->>'epc_hex' = %(epc)s", epc=epc) == 0


async def test_a_reader_with_fewer_antennas_than_enrolled_is_not_the_reader_that_was_enrolled(
    live: Live,
) -> None:
    async with LlrpReaderServer(clock=SystemClock(), antenna_count=1) as small:
        connection = {"host": HERE, "port": small.port, "antennas": [1, 2]}
        body = {"device_id": "gate-9-reader", "family": "llrp", "connection": connection}
        await live.admin.post(f"/sites/{SITE}/devices", body)
        await live.quarantined("gate-9-reader", "antennas", rule="2 or more, is 1")
        await live.admin.post("/devices/gate-9-reader/retire")


# --- the weighbridge and the barrier -----------------------------------------------------------------


async def test_a_weighbridge_that_answers_with_an_exception_is_read_again_when_it_does_not(
    live: Live,
) -> None:
    await live.scale_is_read()
    live.scale.answers[READ_SCALE] = bytes([0x83, 4])
    row = await live.quarantined(SCALE, "function 3", rule="answered, not refused with code 4")
    assert row["raw_preview"] == "\\x83\\x04"
    await live.scale_is_read()


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("byte_count", lambda frame: frame[:5] + bytes([27, frame[6], 3, 24]) + frame[9:-2]),
        ("mbap.length", lambda frame: frame[:-9]),
        ("mbap.unit", lambda frame: frame[:6] + b"\x09" + frame[7:]),
        ("mbap.protocol", lambda _: b"220 not a weighbridge\r\n"),
    ],
)
async def test_a_weighbridge_whose_answer_is_none_is_read_again_when_it_is_one(
    live: Live, name: str, spoil: Callable[[bytes], bytes]
) -> None:
    await live.scale_is_read()
    live.scale.spoil = spoil
    await live.quarantined(SCALE, name, site_id=SITE)
    await live.scale_is_read()


@pytest.mark.parametrize(
    ("mass_100g", "name", "rule"),
    [(-50, "mass_g", "not negative"), (9_000_000, "register 5", "a number, at most 200 t")],
    ids=["negative", "900 tonnes"],
)
async def test_a_weight_that_cannot_be_is_set_aside(live: Live, mass_100g: int, name: str, rule: str) -> None:
    await live.scale_is_read()
    live.tickets += 1
    live.scale.answers[READ_SCALE] = ticket(live.tickets, mass_100g)
    await live.quarantined(SCALE, name, rule=rule)
    await live.scale_is_read()
    assert (
        await live.count(SCALE, "kind = 'mass' AND (reading->>'mass_g')::bigint NOT BETWEEN 0 AND 200000000")
        == 0
    )


async def test_a_ticket_of_1970_is_set_aside(live: Live) -> None:
    await live.scale_is_read()
    live.tickets += 1
    live.scale.answers[READ_SCALE] = ticket(live.tickets, 150_000, datetime(1970, 1, 1, 0, 1, tzinfo=UTC))
    await live.quarantined(SCALE, "observed_at", sequence=live.tickets)
    await live.scale_is_read()


async def test_a_barrier_that_claims_to_be_open_and_shut_is_believed_again_when_it_does_not(
    live: Live,
) -> None:
    await live.arrives(BOOM, "kind = 'barrier'")
    live.boom.answers[READ_BOOM] = bytes.fromhex("02 01 03")
    await live.quarantined(BOOM, "discrete inputs", rule="not open and closed at once")
    live.boom.answers[READ_BOOM] = bytes.fromhex("02 01 06")
    await live.arrives(BOOM, "kind = 'barrier' AND reading->>'loop_occupied' = 'true'")


# --- a forklift over the broker ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (b"{not json", "message"),
        (b"\xff\xfe\x00", "message"),
        (b"[]", "message"),
        (b"7", "reading"),
        (b'{"boot":7,"observed_at":"2026-11-23T06:00:00Z"}', "reading"),
    ],
)
async def test_a_malformed_message_is_set_aside_with_its_bytes(live: Live, payload: bytes, name: str) -> None:
    await live.forklift_is_heard()
    await live.say(payload)
    preview = "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in payload)
    await live.quarantined(FORK, name, raw_preview=preview)
    await live.forklift_is_heard()


async def test_a_message_too_long_to_read_is_set_aside_told_and_the_connection_goes_on(live: Live) -> None:
    await live.forklift_is_heard()
    assert live.radio is not None
    session = live.radio._client.socket()
    live.told.clear()
    await live.say(b"7" * 300_000)
    await live.quarantined(FORK, "message", rule="at most 262144 bytes", times=1)

    async def told() -> bool:
        return "rejected" in live.told

    await live.until(told, "the forklift is told")
    assert live.told["rejected"] == {"field": "message", "rule": "at most 262144 bytes"}
    await live.forklift_is_heard()
    assert live.radio._client.socket() is session, "it was not cut off"


async def test_a_message_too_long_for_the_broker_that_comes_again_and_again_counts_up_one_row(
    live: Live,
) -> None:
    body = {"device_id": "forklift-8", "family": "mqtt_position"}
    secret = (await live.admin.post(f"/sites/{SITE}/devices", body))["secret"]
    await live.until(lambda: connects(HERE, live.mqtt_port, "forklift-8", secret), "the device is let in")
    stubborn = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="forklift-8", clean_session=False)
    stubborn.username_pw_set("forklift-8", secret)
    stubborn.connect(HERE, live.mqtt_port)
    stubborn.publish(f"tallyhouse/v1/{SITE}/forklift-8/observation", b"7" * 5_000_000, qos=1)
    stubborn.loop_start()

    async def counted_up() -> bool:
        rows = await live.admin.items(f"/sites/{SITE}/quarantine")
        [row] = [row for row in rows if row["device_id"] == "forklift-8"] or [{"times": 0}]
        return bool(row["times"] >= 3)

    try:
        await live.until(counted_up, "it came three times")
        await live.forklift_is_heard()
    finally:
        stubborn.loop_stop()
    row = await live.quarantined("forklift-8", "message", rule="at most 4194304 bytes")
    assert row["site_id"] == SITE


@pytest.mark.parametrize(
    ("changes", "name", "rule"),
    [
        ({"position": {"x_m": "left", "y_m": 1.0}}, "position.x_m", "a number, not a text"),
        ({"position": {"x_m": 9_000.0, "y_m": 1.0}}, "point.x_m", "within the site"),
        ({"observed_at": "1970-01-01T00:00:09Z"}, "observed_at", "not before 2020-01-01"),
        ({"observed_at": "2126-11-23T06:00:00Z"}, "observed_at", "at most 300 s in the future"),
        ({"observed_at": "2026-11-23T06:00:00"}, "observed_at", "carries a time zone"),
        ({"device_id": "forklift-2"}, "device_id", "the device of the topic"),
    ],
)
async def test_a_reading_that_breaks_a_rule_is_settled_in_quarantine_and_not_sent_for_ever(
    live: Live, changes: dict[str, object], name: str, rule: str
) -> None:
    reading = live.next_reading(**changes)
    await live.say(reading)
    await live.quarantined(FORK, name, rule=rule, boot=BOOT, sequence=reading["sequence"])
    await live.is_acknowledged()
    await live.forklift_is_heard()
    assert (
        await live.count(
            FORK, "boot = %(boot)s AND sequence = %(number)s", boot=BOOT, number=reading["sequence"]
        )
        == 0
    )


async def test_a_reading_sent_again_counts_once_and_is_acknowledged_again(live: Live) -> None:
    reading = live.next_reading()
    for _ in range(3):
        live.acked.pop(BOOT, None)
        await live.say(reading)
        await live.is_acknowledged()
    number = reading["sequence"]
    assert await live.count(FORK, "boot = %(boot)s AND sequence = %(number)s", boot=BOOT, number=number) == 1
    rows = await live.admin.items(f"/sites/{SITE}/quarantine")
    assert not [row for row in rows if row["device_id"] == FORK and row["sequence"] == number]


async def test_one_number_with_two_readings_is_a_cloned_device(live: Live) -> None:
    reading = live.next_reading()
    await live.say(reading)
    await live.is_acknowledged()
    await live.say(reading | {"position": {"x_m": 6.0, "y_m": 5.0}})
    await live.quarantined(FORK, "identity", sequence=reading["sequence"])
    alarm = await live.cloned(FORK, f"number {reading['sequence']} of boot {BOOT}")
    assert (alarm["grade"], alarm["state"]) == ("check", "active")
    await live.forklift_is_heard()


async def test_two_connections_with_the_credential_of_one_device_are_an_alarm(live: Live) -> None:
    body = {"device_id": "forklift-7", "family": "mqtt_position"}
    secret = (await live.admin.post(f"/sites/{SITE}/devices", body))["secret"]
    await live.until(lambda: connects(HERE, live.mqtt_port, "forklift-7", secret), "the device is let in")
    login = {"username": "forklift-7", "password": secret, "keepalive": 5}
    async with (
        aiomqtt.Client(HERE, live.mqtt_port, identifier="the original", **login),
        aiomqtt.Client(HERE, live.mqtt_port, identifier="the copy", **login),
    ):
        await live.quarantined("forklift-7", "identity", sequence=None)
        await live.cloned("forklift-7", f"from {HERE}")
    await live.forklift_is_heard()


async def test_a_number_of_a_handheld_with_another_scan_is_an_alarm(live: Live) -> None:
    token = await a_handheld(live, "pda-5")
    await live.scan(1, now(), token, "pda-5")
    await live.scan(1, now() - timedelta(minutes=1), token, "pda-5")
    await live.cloned("pda-5", f"number 1 of boot {BOOT}")


# --- a handheld over HTTP ----------------------------------------------------------------------------


async def test_scans_that_are_no_json_are_a_problem_and_the_next_scan_is_taken(live: Live) -> None:
    headers = {"X-Device-Token": live.handheld, "X-CSRF-Token": live.picker.session["csrf_token"]}
    headers |= {"Idempotency-Key": "not-json", "Cookie": live.picker.cookie_header}
    answer = await live.picker.http.post("/api/v1/scans", content=b"{not json", headers=headers)
    assert (answer.status_code, answer.json()["key"]) == (422, "request.malformed")
    assert answer.json()["field"]
    taken = await live.scan(1, now(), live.handheld)
    assert taken["acked_through"] == {"boot": BOOT, "sequence": 1}


@pytest.mark.parametrize(
    ("sequence", "at"),
    [(2, datetime(1970, 1, 1, 0, 0, 9, tzinfo=UTC)), (4, datetime(2126, 1, 1, tzinfo=UTC))],
    ids=["1970", "the future"],
)
async def test_a_scan_of_another_time_is_set_aside_and_told(live: Live, sequence: int, at: datetime) -> None:
    told = await live.scan(sequence, at, live.handheld)
    assert told["results"][0]["outcome"] != "done"
    await live.quarantined("pda-1", "observed_at", sequence=sequence)
    taken = await live.scan(sequence + 1, now(), live.handheld)
    assert taken["acked_through"] == {"boot": BOOT, "sequence": sequence + 1}


# --- whoever is not enrolled -------------------------------------------------------------------------


async def test_clients_that_may_not_sign_in_at_the_broker_are_recorded_by_their_address(live: Live) -> None:
    assert not await connects(HERE, live.mqtt_port, "forklift-99", "a guess")
    row = await live.quarantined(HERE, "username, password", site_id=None, is_stranger=True)
    assert not await connects(HERE, live.mqtt_port, FORK, "not its password")
    assert not await connects(HERE, live.mqtt_port, None, None)

    async def counted_up() -> bool:
        rows = await live.admin.items(f"/sites/{SITE}/quarantine")
        times = {entry["quarantine_id"]: entry["times"] for entry in rows}
        return bool(times[row["quarantine_id"]] >= row["times"] + 2)

    await live.until(counted_up, "both refusals are counted")
    await live.forklift_is_heard()


async def test_a_device_that_speaks_for_another_at_the_broker_is_recorded_by_its_name(live: Live) -> None:
    foreign = [f"tallyhouse/v1/{SITE}/{place}" for place in ("forklift-2/observation", f"{FORK}/command")]
    for topic in foreign:
        async with Probe(HERE, live.mqtt_port, FORK, live.secrets[FORK]) as device:
            await device.publish(topic)
    for topic in foreign:
        row = await live.quarantined(FORK, "topic", raw_preview=topic)
        assert (row["site_id"], row["is_stranger"], row["times"]) == (SITE, False, 1)
    await live.forklift_is_heard()


async def test_tokens_that_open_nothing_are_recorded_by_device_or_address(live: Live) -> None:
    with pytest.raises(ApiProblem, match=r"device\.unknown"):
        await live.scan(1, now(), "a-token-that-nobody-issued")
    await live.quarantined(HERE, "X-Device-Token", site_id=None, is_stranger=True)
    token = await a_handheld(live, "pda-9")
    await live.admin.post("/devices/pda-9/retire")
    with pytest.raises(ApiProblem, match=r"device\.unknown"):
        await live.scan(1, now(), token, "pda-9")
    await live.quarantined("pda-9", "X-Device-Token", rule="not retired", site_id=SITE)


async def test_a_terminal_that_nobody_enrolled_is_recorded_by_the_name_it_gave(live: Live) -> None:
    imei = "356307042449999"
    stream, writer = await asyncio.open_connection(HERE, live.terminal_port)
    writer.write(b"\x00\x0f" + imei.encode())
    async with asyncio.timeout(WITHIN_S):
        assert await stream.read(1) == b"\x00"
    writer.close()
    await live.quarantined(imei, "imei", is_stranger=True)


# --- and afterwards ----------------------------------------------------------------------------------


async def test_nothing_of_the_program_failed_and_its_journal_stands_up_to_an_audit(live: Live) -> None:
    await live.reader_is_heard()
    await live.scale_is_read()
    await live.forklift_is_heard()
    async with httpx.AsyncClient(base_url=live.address) as client:
        health = (await client.get("/health/ready")).json()
    assert health["ready"]
    assert [task["name"] for task in health["tasks"] if task["restarts"]] == []
    said = (live.folder / "program.log").read_text()
    assert [line for line in said.splitlines() if "driver_failed" in line or "unexpected_error" in line] == []
    audit = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", "audit", "observations"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "TALLYHOUSE_DATA_DIR": str(live.folder)},
    )
    told, _ = await audit.communicate()
    assert audit.returncode == 0, told.decode()
