"""Both brokers with real clients: what a device may say and hear, restarts, and enrolment while running."""

import asyncio
import os
import shutil
import signal
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import aiomqtt
import psutil
import pytest

from app.supervise import sieve
from app.supervise.broker import Broker, OuterListener
from app.supervise.broker_access import EDGE_CLIENT_ID, PACKET_BYTES_MAX, hashed
from app.supervise.broker_trial import connects
from app.supervise.mqtt_probe import Probe, ProbeRefused
from app.supervise.process import ChildFailed
from app.tls import local_certificate

needs_mosquitto = pytest.mark.skipif(
    shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") is None,
    reason="mosquitto is not installed",
)
KINDS = [pytest.param("mosquitto", marks=needs_mosquitto), "amqtt"]

HASHES = {"forklift-1": hashed("pass-1"), "forklift-2": hashed("pass-2")}


Noted = list[tuple[str, str, bytes]]


@pytest.fixture
def noted() -> Noted:
    """Who was turned away: device, field, what it said."""
    return []


@pytest.fixture(params=KINDS)
async def broker(request: pytest.FixtureRequest, tmp_path: Path, noted: Noted) -> AsyncIterator[Broker]:
    def note(device_id: str, field: str, rule: str, said: bytes = b"", *, apart: bool = False) -> None:
        assert rule
        noted.append((device_id, field, said))

    running = Broker(tmp_path, kind=request.param, turned_away=note)
    await running.start()
    running.set_devices(HASHES)
    watch = asyncio.create_task(running.watch())
    try:
        yield running
    finally:
        await running.stop()
        await watch


def as_device(broker: Broker, device_id: str, password: str) -> Probe:
    return Probe(broker.address.host, broker.address.port, device_id, password)


def as_product(broker: Broker) -> Probe:
    return Probe(*broker.address)


async def lets_in(broker: Broker, device_id: str, password: str) -> bool:
    return await connects(broker.address.host, broker.address.port, device_id, password)


async def test_a_device_is_heard_on_its_own_topics_only(broker: Broker, until) -> None:
    await until(lambda: lets_in(broker, "forklift-1", "pass-1"))
    own = "tallyhouse/v1/site-demo/forklift-1"
    refused = [
        "tallyhouse/v1/site-demo/forklift-2/observation",
        "tallyhouse/v1/site-demo/gate-1-barrier/command",
        f"{own}/reply",
        f"{own}/command",
        f"{own}/observation/more",
        "tallyhouse/v2/site-demo/forklift-1/observation",
        "elsewhere",
    ]
    async with as_product(broker) as product:
        await product.subscribe("#")
        for topic in [*refused, f"{own}/observation", f"{own}/status"]:
            async with as_device(broker, "forklift-1", "pass-1") as device:
                await device.publish(topic)
        async with asyncio.timeout(30):
            heard = [await product.next_topic() for _ in range(2)]
    assert heard == [f"{own}/observation", f"{own}/status"]


@pytest.mark.parametrize("topic_filter", ["#", "tallyhouse/v1/+/+/reply", "tallyhouse/v1/site-demo/#"])
async def test_a_device_hears_no_other_device_whatever_it_asks_for(
    broker: Broker, until, topic_filter: str
) -> None:
    await until(lambda: lets_in(broker, "forklift-1", "pass-1"))
    own = "tallyhouse/v1/site-demo/forklift-1/reply"
    async with as_device(broker, "forklift-1", "pass-1") as device, as_product(broker) as product:
        await device.subscribe(topic_filter)
        await device.subscribe(own)
        await product.publish("tallyhouse/v1/site-demo/forklift-2/reply")
        await product.publish("tallyhouse/v1/site-demo/forklift-2/command")
        await product.publish(own)
        async with asyncio.timeout(30):
            assert await device.next_topic() == own


async def test_strangers_and_wrong_passwords_are_refused(broker: Broker) -> None:
    for user, password in [
        (None, None),
        ("forklift-1", "pass-2"),
        ("forklift-9", "pass-1"),
        ("tallyhouse", ""),
    ]:
        with pytest.raises(ProbeRefused):
            async with Probe(broker.address.host, broker.address.port, user, password):
                pass


async def test_who_is_turned_away_is_told_of_and_our_own_trial_is_not(
    broker: Broker, noted: Noted, until
) -> None:
    await until(lambda: lets_in(broker, "forklift-1", "pass-1"))
    noted.clear()  # Until the users were taken up, forklift-1 itself may have been turned away.
    assert not await lets_in(broker, "nobody", "pass-1")
    assert not await lets_in(broker, "forklift-1", "pass-2")
    foreign = "tallyhouse/v1/site-demo/forklift-2/observation"
    async with as_device(broker, "forklift-1", "pass-1") as device:
        await device.publish(foreign)
        await device.publish("tallyhouse/v1/site-demo/forklift-1/observation")
    await until(lambda: len(noted) == 3)
    here = "127.0.0.1"
    assert (
        noted
        == {
            # Mosquitto keeps the name that was tried to itself.
            "mosquitto": [
                (here, "username, password", b""),
                (here, "username, password", b""),
                ("forklift-1", "topic", foreign.encode()),
            ],
            "amqtt": [
                ("nobody", "username", here.encode()),
                ("forklift-1", "password", here.encode()),
                ("forklift-1", "topic", foreign.encode()),
            ],
        }[broker.name]
    )


@needs_mosquitto
@pytest.mark.parametrize("broker", ["mosquitto"], indirect=True)
async def test_two_connections_with_one_credential_are_told_with_where_they_come_from(
    broker: Broker, noted: Noted, until
) -> None:
    await until(lambda: lets_in(broker, "forklift-1", "pass-1"))
    noted.clear()

    def connection(name: str) -> aiomqtt.Client:
        host, port, *_ = broker.address
        return aiomqtt.Client(
            host, port, username="forklift-1", password="pass-1", identifier=name, keepalive=5
        )

    async with connection("the device"), connection("its copy"):
        await until(lambda: bool(noted))
    assert noted == [("forklift-1", "identity", b"from 127.0.0.1")]


@needs_mosquitto
@pytest.mark.parametrize("broker", ["mosquitto"], indirect=True)
async def test_a_device_of_mqtt_5_is_told_how_long_a_message_may_be_and_why_it_was_cut_off(
    broker: Broker, noted: Noted, until
) -> None:
    await until(lambda: lets_in(broker, "forklift-1", "pass-1"))
    noted.clear()
    host, port, *_ = broker.address
    reader, writer = await asyncio.open_connection(host, port)
    who = b"".join(len(text).to_bytes(2) + text for text in (b"a tracker", b"forklift-1", b"pass-1"))
    head = b"\x00\x04MQTT\x05\xc2" + (30).to_bytes(2) + b"\x00"
    writer.write(bytes([0x10, len(head + who)]) + head + who)
    async with asyncio.timeout(30):
        _, length = await reader.readexactly(2)
        properties = await reader.readexactly(length)
        # The fixed header alone is enough: the rest is never read. Its length is in groups of 7 bits.
        writer.write(b"\x32" + bytes([0x80, 0x80, 0x80, 0x02]))
        ended = await reader.read()
    writer.close()
    assert b"\x27" + PACKET_BYTES_MAX.to_bytes(4) in properties, "Maximum Packet Size"
    assert ended == b"\xe0\x01\x95", "DISCONNECT, Packet too large"
    await until(lambda: bool(noted))
    assert noted == [("forklift-1", "message", b"")]


async def test_a_client_that_names_nobody_is_told_by_its_address(broker: Broker, noted: Noted, until) -> None:
    noted.clear()
    with pytest.raises(ProbeRefused):
        async with Probe(broker.address.host, broker.address.port, None, None):
            pass
    await until(lambda: bool(noted))
    assert {device_id for device_id, _, _ in noted} == {"127.0.0.1"}


async def test_a_device_enrolled_while_running_gets_in_and_a_removed_one_does_not(
    broker: Broker, until
) -> None:
    assert not await lets_in(broker, "forklift-3", "pass-3")
    broker.set_devices({**HASHES, "forklift-3": hashed("pass-3")})
    await until(lambda: lets_in(broker, "forklift-3", "pass-3"))
    broker.set_devices(HASHES)

    async def refused() -> bool:
        return not await lets_in(broker, "forklift-3", "pass-3")

    await until(refused)
    assert await lets_in(broker, "forklift-1", "pass-1")


async def test_an_open_session_ends_with_the_credential_it_was_opened_with(broker: Broker, until) -> None:
    """Whoever enrolled a device knows its first credential; that given at acceptance must shut it out."""
    await until(lambda: lets_in(broker, "forklift-1", "pass-1"))
    async with as_product(broker) as product:
        await product.subscribe("#")
        with suppress(ProbeRefused, ConnectionError, asyncio.IncompleteReadError):
            async with as_device(broker, "forklift-1", "pass-1") as device:
                broker.set_devices({**HASHES, "forklift-1": hashed("pass-new")})
                await until(lambda: lets_in(broker, "forklift-1", "pass-new"))
                await device.publish("tallyhouse/v1/site-demo/forklift-1/observation")
        async with as_device(broker, "forklift-2", "pass-2") as other:
            await other.publish("tallyhouse/v1/site-demo/forklift-2/observation")
        async with asyncio.timeout(30):
            assert await product.next_topic() == "tallyhouse/v1/site-demo/forklift-2/observation"


async def test_users_and_port_stay_over_a_restart(broker: Broker) -> None:
    before = broker.address
    await broker.stop()
    assert await broker.start() == before
    assert await lets_in(broker, "forklift-2", "pass-2")


async def heard_by_the_edge(broker: Broker) -> bytes:
    """Payload of the first message that was kept for the edge."""
    edge = aiomqtt.Client(
        broker.address.host,
        broker.address.port,
        username=broker.address.username,
        password=broker.address.password,
        identifier=EDGE_CLIENT_ID,
        clean_session=False,
    )
    async with asyncio.timeout(30), edge:
        return (await anext(aiter(edge.messages))).payload


async def say(broker: Broker, payload: bytes) -> None:
    """As a device, until the broker acknowledges it."""
    async with aiomqtt.Client(
        broker.address.host, broker.address.port, username="forklift-1", password="pass-1"
    ) as device:
        await device.publish("tallyhouse/v1/site-demo/forklift-1/vendor/events", payload, qos=1)


async def test_what_a_device_says_before_the_edge_ever_came_is_kept_for_it(broker: Broker, until) -> None:
    await until(lambda: lets_in(broker, "forklift-1", "pass-1"))
    await say(broker, b"first")
    assert await heard_by_the_edge(broker) == b"first"


async def test_what_a_device_says_between_a_restart_and_the_edges_return_is_kept_for_it(
    broker: Broker, until
) -> None:
    if broker.pid is None:
        pytest.skip("amqtt keeps nothing over a restart")
    await until(lambda: lets_in(broker, "forklift-1", "pass-1"))
    await say(broker, b"before")
    assert await heard_by_the_edge(broker) == b"before"
    await broker.stop()
    await broker.start()
    broker.set_devices({"forklift-1": HASHES["forklift-1"]})  # One less: its users are read anew.
    await until(lambda: lets_in(broker, "forklift-1", "pass-1"))
    await say(broker, b"after")
    assert await heard_by_the_edge(broker) == b"after"


async def test_a_killed_mosquitto_comes_back(broker: Broker, until) -> None:
    if broker.pid is None:
        pytest.skip("amqtt lives and dies with the program")
    os.kill(broker.pid, signal.SIGKILL)
    await until(lambda: broker.restart_count == 1)
    assert await lets_in(broker, "forklift-1", "pass-1")


async def test_mosquitto_without_its_sieve_is_started_anew_and_goes_on_telling(
    broker: Broker, noted: Noted, until
) -> None:
    if broker.pid is None:
        pytest.skip("amqtt tells by itself")
    # Brokers of other tests may have theirs: ours is the youngest.
    sieves = [one for one in psutil.Process().children() if sieve.__file__ in one.cmdline()]
    max(sieves, key=lambda one: one.create_time()).kill()
    await until(lambda: broker.restart_count == 1)
    noted.clear()
    assert not await lets_in(broker, "nobody", "x")
    await until(lambda: bool(noted))
    assert noted == [("127.0.0.1", "username, password", b"")]


async def test_only_one_program_runs_the_broker_of_a_folder(broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="another program"):
        await Broker(tmp_path, kind="amqtt").start()


async def test_a_mosquitto_that_ignores_its_access_list_is_not_served_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        pytest.skip("mosquitto is not installed")
    monkeypatch.setattr("app.supervise.broker.access_file", lambda: "pattern readwrite #\n")
    with pytest.raises(ChildFailed, match="ignores its access list"):
        await Broker(tmp_path, kind="mosquitto").start()


@needs_mosquitto
async def test_devices_beyond_this_machine_speak_over_tls_only(tmp_path: Path) -> None:
    certificate = local_certificate(tmp_path / "tls", ["localhost"], datetime.now(UTC))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    outer = OuterListener("127.0.0.1", port, certificate.cert, certificate.key)
    running = Broker(tmp_path, kind="mosquitto", outer=outer)
    await running.start()
    running.set_devices(HASHES)
    trusted = ssl.create_default_context(cafile=str(certificate.authority))
    try:
        signed_in = aiomqtt.Client(
            "localhost", port, username="forklift-1", password="pass-1", tls_context=trusted
        )
        async with signed_in as device:
            await device.publish("tallyhouse/v1/site-demo/forklift-1/observation", b"{}", qos=1)
        with pytest.raises(aiomqtt.MqttError):
            async with aiomqtt.Client("localhost", port, username="forklift-1", password="pass-1", timeout=3):
                pass
    finally:
        await running.stop()
