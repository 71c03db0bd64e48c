"""The program's life: started in order, healthy, one part failing, stopped in order, over HTTPS."""

import asyncio
import os
import signal
import ssl
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from app.health import health_router
from app.parts import Parts
from app.roles import web_app
from app.serve import running, serve
from app.settings import Settings
from app.tasks import Work
from app.web import PortTaken, bind
from kernel.caller import Caller


def health_only(parts: Parts, authority: Path | None) -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.state.desk = None
    app.include_router(health_router(parts.health, authority))
    return app


def idle_crew(_: Parts) -> Mapping[str, Work]:
    return {"fold": asyncio.Event().wait}


def server_pid(pid_file: Path) -> int | None:
    """The database server's process; None while its file is being written anew."""
    lines = pid_file.read_text().splitlines() if pid_file.exists() else []
    return int(lines[0]) if lines else None


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", port=0, broker="amqtt", stop_within_s=5, session_hours=3)


async def test_a_started_program_is_ready_and_a_stopped_one_leaves_nothing_behind(settings: Settings) -> None:
    async with running(settings, ["edge", "fold", "api"], crews={"fold": idle_crew}, web=health_only) as up:
        async with httpx.AsyncClient(base_url=up.url) as client:
            assert (await client.get("/health/live")).json() == {"live": True}
            ready = await client.get("/health/ready")
        assert ready.status_code == 200, ready.text
        assert ready.json()["checks"] == {"database": True, "broker": True}
        assert {task["name"] for task in ready.json()["tasks"]} >= {
            "postgres",
            "broker",
            "wake",
            "fold",
            "web",
        }
        async with up.parts.database.read(Caller.product("test")) as read:
            assert await read.value("SELECT current_user") == "tallyhouse_read"
        assert web_app(up.parts, None).state.desk.session_lasts == timedelta(hours=3)
        port = up.web.port if up.web else 0
    assert not (settings.data_dir / "postgres" / "cluster" / "postmaster.pid").exists()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_work_that_fails_is_started_again_and_shows(settings: Settings, until) -> None:
    begun: list[int] = []
    mended = asyncio.Event()

    def failing_crew(_: Parts) -> Mapping[str, Work]:
        async def work() -> None:
            begun.append(len(begun))
            if not mended.is_set():
                raise RuntimeError("lost the site")
            await asyncio.Event().wait()

        return {"fold": work}

    async with (
        running(settings, ["fold", "api"], crews={"fold": failing_crew}, web=health_only) as up,
        httpx.AsyncClient(base_url=up.url) as client,
    ):
        await until(lambda: up.tasks.states["fold"].restart_count > 0)
        unready = await client.get("/health/ready")
        mended.set()
        await until(lambda: up.tasks.states["fold"].running)
        ready = await client.get("/health/ready")
        metrics = (await client.get("/metrics")).text
    assert unready.status_code == 503
    [task] = [task for task in unready.json()["tasks"] if task["name"] == "fold"]
    assert task.pop("restarts") in range(1, len(begun))
    assert task == {"name": "fold", "well": False, "failure": "RuntimeError"}
    assert "lost the site" not in unready.text, "what went wrong may name things not everybody may see"
    assert ready.status_code == 200
    samples = {
        (sample.name, sample.labels.get("task") or sample.labels.get("status")): sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
    }
    assert samples[("tallyhouse_task_restarts", "fold")] == len(begun) - 1
    assert samples[("tallyhouse_http_answers_total", "503")] == 1


async def test_a_killed_database_is_back_without_a_restart_of_the_program(settings: Settings, until) -> None:
    pid_file = settings.data_dir / "postgres" / "cluster" / "postmaster.pid"
    async with (
        running(settings, ["api"], crews={}, web=health_only) as up,
        httpx.AsyncClient(base_url=up.url, timeout=30) as client,
    ):
        before = server_pid(pid_file)
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await until(lambda: server_pid(pid_file) not in (None, before))

        async def ready() -> bool:
            return (await client.get("/health/ready")).status_code == 200

        await until(ready)


async def test_a_check_that_fails_or_hangs_makes_the_program_unready(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.health.CHECK_WITHIN_S", 0.05)

    async def breaks() -> bool:
        raise ConnectionError("away")

    async with (
        running(settings, ["api"], crews={}, web=health_only) as up,
        httpx.AsyncClient(base_url=up.url) as client,
    ):
        up.parts.health.add_check("breaks", breaks)
        up.parts.health.add_check("hangs", asyncio.Event().wait)
        answer = await client.get("/health/ready")
        live = await client.get("/health/live")
    assert answer.status_code == 503
    assert answer.json()["checks"]["breaks"] is False
    assert answer.json()["checks"]["hangs"] is False
    assert live.status_code == 200


async def test_sigterm_stops_the_program_with_code_0(settings: Settings, until) -> None:
    ran = asyncio.create_task(serve(settings, ["fold"], crews={"fold": idle_crew}, web=health_only))
    pid_file = settings.data_dir / "postgres" / "cluster" / "postmaster.pid"
    await until(pid_file.exists)
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(60):
        assert await ran == 0
    assert not pid_file.exists()


async def test_a_part_that_gives_up_ends_the_program_with_code_1(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def give_up(_: object) -> None:
        raise RuntimeError("kept dying")

    monkeypatch.setattr("app.supervise.postgres.EmbeddedPostgres.watch", give_up)
    async with asyncio.timeout(60):
        assert await serve(settings, ["fold"], crews={"fold": idle_crew}, web=health_only) == 1


async def test_beyond_loopback_only_https_is_spoken_and_the_authority_can_be_fetched(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path / "data", host="0.0.0.0", port=0, public_name="localhost", stop_within_s=5
    )
    async with running(settings, ["api"], crews={}, web=health_only) as up:
        assert up.url.startswith("https://localhost:")
        assert up.authority is not None
        trusting = ssl.create_default_context(cafile=up.authority)
        async with httpx.AsyncClient(base_url=up.url, verify=trusting) as client:
            assert (await client.get("/health/ready")).status_code == 200
            fetched = await client.get("/ca.crt")
        assert fetched.content == up.authority.read_bytes()
        assert fetched.headers["content-type"] == "application/x-x509-ca-cert"
        async with httpx.AsyncClient(base_url=up.url.replace("https", "http")) as plain:
            with pytest.raises(httpx.TransportError):
                await plain.get("/health/live")


async def test_the_next_free_port_is_taken_only_when_asked_for() -> None:
    first = bind("127.0.0.1", 0)
    try:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(PortTaken, match="TALLYHOUSE_PORT"):
            bind("127.0.0.1", port)
        second = bind("127.0.0.1", port, take_next=True)
        assert second.getsockname()[1] > port
        second.close()
    finally:
        first.close()


async def test_an_uploaded_certificate_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path / "data", host="0.0.0.0", port=0, public_name="localhost", stop_within_s=5
    )
    async with running(settings, ["api"], crews={}, web=health_only) as up:
        assert up.web is not None
        before = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", up.web.port))
        from app.tls import local_certificate

        other = local_certificate(tmp_path / "other", ["localhost"], up.parts.clock.now())
        up.web.use(other.cert, other.key)
        after = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", up.web.port))
    assert before != after
