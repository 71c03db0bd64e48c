"""The broker of docker-compose, run here with the same configuration and the same script."""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.supervise.broker_access import hashed
from app.supervise.broker_external import ExternalBroker, parse_broker_url
from app.supervise.broker_trial import connects
from app.supervise.process import ChildFailed, free_port
from app.tls import local_certificate

DOCKER = Path(__file__).parents[3] / "docker" / "mosquitto"
PATH = f"{os.environ['PATH']}:/usr/sbin"

pytestmark = pytest.mark.skipif(
    shutil.which("mosquitto", path=PATH) is None, reason="mosquitto is not installed"
)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[ExternalBroker]:
    """Mosquitto under run.sh, with the container's paths and ports replaced by ours."""
    shared, own, data = tmp_path / "shared", tmp_path / "own", tmp_path / "data"
    for folder in (shared, own, data):
        folder.mkdir()
    made = local_certificate(tmp_path / "certificates", ["localhost"], datetime.now(UTC))
    shutil.copy(made.cert, made.cert.with_name("cert.pem"))
    shutil.copy(made.key, made.key.with_name("key.pem"))
    port = free_port("127.0.0.1")
    config = (DOCKER / "mosquitto.conf").read_text()
    for container, here in [
        ("/mosquitto/access", str(own)),
        ("/mosquitto/data", str(data)),
        ("listener 1883", f"listener {port} 127.0.0.1"),
        ("listener 8883", f"listener {free_port('127.0.0.1')} 127.0.0.1"),
    ]:
        assert container in config
        config = config.replace(container, here)
    if os.geteuid() == 0:
        config = "user root\n" + config  # The folders of a test are closed to other users.
    (tmp_path / "mosquitto.conf").write_text(config)
    command = ["sh", DOCKER / "run.sh", tmp_path / "mosquitto.conf", shared, own, made.cert.parent]
    running = subprocess.Popen(command, env={**os.environ, "PATH": PATH}, start_new_session=True)
    try:
        yield ExternalBroker(f"mqtt://tallyhouse:a%40b@127.0.0.1:{port}", shared)
    finally:
        running.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(running.wait, 30) == 0


async def lets_in(broker: ExternalBroker, user: str, password: str) -> bool:
    return await connects(broker.address.host, broker.address.port, user, password)


async def test_users_handed_over_in_the_shared_folder_get_in_and_removed_ones_do_not(
    broker: ExternalBroker, until
) -> None:
    await broker.start()
    broker.set_devices({"forklift-1": hashed("pass-1")})
    await until(lambda: lets_in(broker, "forklift-1", "pass-1"))
    assert not await lets_in(broker, "forklift-1", "pass-2")
    broker.set_devices({})

    async def refused() -> bool:
        return not await lets_in(broker, "forklift-1", "pass-1")

    await until(refused)
    assert await broker.healthy()


async def test_a_broker_that_is_not_there_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.supervise.broker_external.READY_WITHIN_S", 0.0)
    with pytest.raises(ChildFailed, match="did not let us in"):
        await ExternalBroker(f"mqtt://tallyhouse:x@127.0.0.1:{free_port('127.0.0.1')}", None).start()


@pytest.mark.parametrize("url", ["mqtt://broker:1883", "http://a:b@broker", "mqtt://a@broker", "mqtt://a:b@"])
def test_an_address_without_user_password_or_host_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="TALLYHOUSE_BROKER_URL"):
        parse_broker_url(url)
