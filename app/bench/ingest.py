"""How fast readings come from the wire to the journal and the twin, and that none is lost on the way."""

import asyncio
import json
import signal
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import psycopg
from psycopg.types.json import Jsonb

from app.bench.entering import enter_layout
from app.bench.stand import Message, RoleProcess, Stand
from app.bench.watch import BENCH
from app.report import Check, Report, make_report
from app.supervise.broker_access import EDGE_CLIENT_ID
from devices.api import make_partitions
from devices.ingest.handlers import BATCH_OBSERVATIONS_MAX
from devices.messages import EnrolDevice
from devices.registry.handlers import enrol_device
from devices.transport.mqtt import TOPIC_ROOT
from kernel.clock import SystemClock
from kernel.geometry import Point
from kernel.layout import Layout
from kernel.messages import PositionReading
from simulators.protocols.mqtt.batches import Load, Place, reports
from simulators.protocols.mqtt.batches import Report as Reported
from simulators.world.warehouse.parameters import read_parameters
from simulators.world.warehouse.places import layout_of

TRACKERS, REPORT_EVERY_S = 40, 0.02
SINGLES = 40_000
ROUNDS = 3
BATCHES, BATCH_READINGS = 1_500, 100
COPY_ROWS = BATCH_OBSERVATIONS_MAX
"""Rows of one transaction, as the product's largest."""
PACED_S, PACE_EVERY_S = 20.0, 0.02
LIVE_RATE_TIMES, LOADED_S = 10.0, 60.0
LIVE_PER_S = 16.0
"""Readings a second of the reference warehouse while it works: 770,000 in a shift of fourteen hours."""
MEMORY_GROWTH_MB_MAX = 100.0
BARE_SESSION = "tallyhouse-bench-bare"
WAIT_S_MAX = 300.0
LOOK_EVERY_S = 0.02

Say = Callable[[str], None]


async def bench_ingest(say: Say) -> Report:
    """Run all measurements on one stand after the other, and report."""
    clock = SystemClock()
    started_at = clock.now()
    parameters = read_parameters(
        (files("simulators.scenarios") / "reference_warehouse.toml").read_text(encoding="utf-8")
    )
    layout = _with_trackers(layout_of(parameters))
    with tempfile.TemporaryDirectory(prefix="tallyhouse-bench-") as folder:
        async with Stand(Path(folder), layout.site_id) as stand:
            await _enter(stand, layout)
            measuring = _Measuring(stand, layout, say)
            single = await measuring.single_vs_client()
            batch = await measuring.batch_vs_copy()
            paced = await measuring.paced(single["product_per_s"] / 2)
            loaded = await measuring.loaded()
    detail = {"single": single, "batch": batch, "paced": paced, "loaded": loaded}
    return make_report(
        "bench.ingest",
        seed=0,
        started_at=started_at,
        checks=_checks(detail),
        detail=detail,
        environment={"broker": "mosquitto", "postgres": "embedded", "timescale": False},
    )


def _with_trackers(layout: Layout) -> Layout:
    """The layout with as many trackers as the rates take: none says more than its family may."""
    [first, *_] = [mount for mount in layout.mounts if mount.family == "mqtt_position"]
    others = [mount for mount in layout.mounts if mount.family != "mqtt_position"]
    trackers = [
        msgspec.structs.replace(first, mount_id=f"tracker-{number}") for number in range(1, TRACKERS + 1)
    ]
    return msgspec.structs.replace(layout, mounts=[*others, *trackers])


async def _enter(stand: Stand, layout: Layout) -> None:
    """Enter the site with those of its devices that speak over the broker."""
    async with stand.database.write(BENCH) as tx:
        await make_partitions(tx, stand.clock.now().date())
        await enter_layout(tx, layout)
        for mount in layout.mounts:
            if mount.family in ("mqtt_position", "mqtt_reader"):
                await enrol_device(
                    EnrolDevice(
                        site_id=layout.site_id,
                        device_id=mount.mount_id,
                        family=mount.family,
                        mount_id=mount.mount_id,
                        secret=f"{mount.mount_id:-<32}",
                    ),
                    tx,
                )


def _checks(detail: dict[str, Any]) -> list[Check]:
    single, batch, paced, loaded = (detail[name] for name in ("single", "batch", "paced", "loaded"))

    def check(name: str, value: float, unit: str, bound: str, ok: bool, how: str) -> Check:
        return Check(name=name, value=round(value, 3), unit=unit, bound=bound, ok=ok, how=how)

    return [
        check(
            "ingest.single_vs_client",
            single["ratio"],
            "ratio",
            ">= 0.9",
            single["ratio"] >= 0.9,
            "single readings from a filled queue, stored and folded, against the same client that only"
            " acknowledges; median of rounds in turn",
        ),
        check(
            "ingest.batch_vs_copy",
            batch["ratio"],
            "ratio",
            ">= 0.5",
            batch["ratio"] >= 0.5,
            "messages of 100 readings from a filled queue, stored, against binary COPY of the same rows"
            " into the same table",
        ),
        check(
            "ingest.p99_wire_to_twin_ms",
            paced["p99_ms"],
            "ms",
            "< 250",
            paced["p99_ms"] < 250,
            "from publishing to the fold's commit, at half the rate of single readings",
        ),
        check(
            "ingest.memory_growth_mb",
            loaded["growth_mb"],
            "MB",
            f"<= {MEMORY_GROWTH_MB_MAX:.0f}",
            loaded["growth_mb"] <= MEMORY_GROWTH_MB_MAX
            and loaded["published_per_s"] >= LIVE_RATE_TIMES * LIVE_PER_S,
            "resident memory of edge and fold over a minute of publishing without a pause,"
            " at ten times the live rate at least",
        ),
        check(
            "ingest.acked_lost",
            paced["acked_lost"] + loaded["acked_lost"],
            "readings",
            "= 0",
            paced["acked_lost"] + loaded["acked_lost"] == 0,
            "readings that devices were told to forget and the journal lacks, with the edge killed once",
        ),
    ]


class _Devices:
    """Trackers that number what they send and note what they may forget."""

    def __init__(self, stand: Stand, names: Sequence[str], boot: int) -> None:
        self._stand = stand
        self._names = names
        self._boot = boot
        self._sequence = dict.fromkeys(names, 0)
        self.acked = dict.fromkeys(names, 0)

    @property
    def topics(self) -> list[str]:
        return [self._stand.topic(name) for name in self._names]

    def message(self, number: int, count: int, began_at: datetime | None = None) -> Message:
        """The next `count` readings of a device, in turn: of now, or one by one since `began_at`."""
        name = self._names[number % len(self._names)]
        first = self._sequence[name] + 1
        self._sequence[name] += count
        several = [
            Reported(
                boot=self._boot,
                sequence=first + place,
                observed_at=self._observed_at(first + place, began_at),
                position=Place(20.0 + number % 20, 60.0, 0.0, 90.0, 1.4, 0.3),
                load=Load(),
            )
            for place in range(count)
        ]
        return self._stand.topic(name), reports(several)

    def _observed_at(self, sequence: int, began_at: datetime | None) -> datetime:
        if began_at is None:
            return self._stand.clock.now()
        return began_at + timedelta(seconds=sequence * REPORT_EVERY_S)

    def messages(self, count: int, readings: int) -> list[Message]:
        """What waits in a queue: messages of so many readings, the last of them of now."""
        each = -(-count * readings // len(self._names))
        began_at = self._stand.clock.now() - timedelta(seconds=each * REPORT_EVERY_S)
        return [self.message(number, readings, began_at) for number in range(count)]

    async def listen(self) -> None:
        """Hear replies until cancelled."""
        login = self._stand.login
        async with aiomqtt.Client(
            login.host, login.port, username=login.username, password=login.password
        ) as client:
            await client.subscribe(f"{TOPIC_ROOT}/{self._stand.site_id}/+/reply")
            async for message in client.messages:
                told = json.loads(bytes(message.payload))["acked_through"]
                name = str(message.topic).split("/")[3]
                if told["boot"] == self._boot and name in self.acked:
                    self.acked[name] = max(self.acked[name], told["sequence"])

    async def lost(self) -> int:
        """How many readings that were acknowledged the journal does not hold."""
        async with self._stand.database.write(BENCH) as tx:
            rows = await tx.rows(
                "SELECT device_id, sequence FROM devices.observation"
                " WHERE site_id = %(site_id)s AND boot = %(boot)s",
                {"site_id": self._stand.site_id, "boot": self._boot},
            )
        stored = {(row["device_id"], row["sequence"]) for row in rows}
        return sum(
            (name, sequence) not in stored
            for name, through in self.acked.items()
            for sequence in range(1, through + 1)
        )


class _Measuring:
    def __init__(self, stand: Stand, layout: Layout, say: Say) -> None:
        self._stand = stand
        self._say = say
        self._names = [m.mount_id for m in layout.mounts if m.family == "mqtt_position"]
        self._boot = 0

    def _devices(self) -> _Devices:
        self._boot += 1
        return _Devices(self._stand, self._names, self._boot)

    @asynccontextmanager
    async def _product(self) -> AsyncIterator[tuple[RoleProcess, RoleProcess]]:
        """The edge and the fold at work; the fold first, so that nothing waits for it."""
        async with self._stand.role("fold") as fold, self._stand.role("edge") as edge:
            yield edge, fold

    async def _fill(self, messages: Sequence[Message], *sessions: str) -> None:
        for session in sessions:
            await self._stand.keep_for(session)
        await self._stand.publish(messages)

    # --- single readings ---------------------------------------------------------------------------

    async def single_vs_client(self) -> dict[str, Any]:
        """Rounds in turn: the bare client empties its queue, then the product empties its own."""
        bare, product = [], []
        for number in range(ROUNDS):
            await self._fill(self._devices().messages(SINGLES, 1), BARE_SESSION, EDGE_CLIENT_ID)
            bare.append(await self._bare(SINGLES))
            product.append(await self._emptied(SINGLES))
            self._say(
                f"single readings, round {number + 1}: client {bare[-1]:,.0f}/s, product {product[-1]:,.0f}/s"
            )
        await self._stand.forget(BARE_SESSION)
        ratios = [mine / theirs for mine, theirs in zip(product, bare, strict=True)]
        return {
            "client_per_s": bare,
            "product_per_s": statistics.median(product),
            "product_rounds_per_s": product,
            "ratios": ratios,
            "ratio": statistics.median(ratios),
        }

    async def _bare(self, count: int) -> float:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app.bench.bare"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        asked = json.dumps([*self._stand.login, BARE_SESSION, count]).encode()
        async with asyncio.timeout(WAIT_S_MAX):
            said, _ = await process.communicate(asked)
        return float(said)

    async def _emptied(self, count: int) -> float:
        """Readings a second from the first that the product received to the last that it folded."""
        before = await self._stand.watch.stored()
        async with self._product():
            ended = await self._until(self._stand.watch.folded, before + count)
        began = await self._first_received(before)
        return count / (ended - began).total_seconds()

    async def _until(self, ask: Callable[[], Any], wanted: int) -> datetime:
        async with asyncio.timeout(WAIT_S_MAX):
            # Another process moves the figure: it has to be asked.
            while await ask() < wanted:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY_S)
        return self._stand.clock.now()

    async def _first_received(self, after: int) -> datetime:
        async with self._stand.database.write(BENCH) as tx:
            found: datetime = await tx.value(
                "SELECT min(received_at) FROM devices.observation"
                " WHERE site_id = %(site_id)s AND position > %(after)s",
                {"site_id": self._stand.site_id, "after": after},
            )
        return found

    # --- batches -----------------------------------------------------------------------------------

    async def batch_vs_copy(self) -> dict[str, Any]:
        """The product's way from the queue to the journal against COPY of prepared rows."""
        product, copied = [], []
        for number in range(ROUNDS):
            await self._fill(self._devices().messages(BATCHES, BATCH_READINGS), EDGE_CLIENT_ID)
            count, before = BATCHES * BATCH_READINGS, await self._stand.watch.stored()
            async with self._stand.role("edge"):
                ended = await self._until(self._stand.watch.stored, before + count)
            began = await self._first_received(before)
            product.append(count / (ended - began).total_seconds())
            copied.append(await self._copy(count))
            self._say(
                f"batches of {BATCH_READINGS}, round {number + 1}: product {product[-1]:,.0f}/s,"
                f" COPY {copied[-1]:,.0f}/s"
            )
        ratios = [mine / theirs for mine, theirs in zip(product, copied, strict=True)]
        return {
            "product_per_s": product,
            "copy_per_s": copied,
            "ratios": ratios,
            "ratio": statistics.median(ratios),
        }

    async def _copy(self, count: int) -> float:
        """Rows a second of binary COPY into the journal's own table, in transactions as large as ours."""
        now, clock = self._stand.clock.now(), self._stand.clock
        position = await self._stand.watch.stored()
        reading = Jsonb(PositionReading(point=Point(20.0, 60.0)), msgspec.json.encode)
        self._boot += 1
        rows = [
            (
                "site-copy",
                position + number + 1,
                self._names[number % len(self._names)],
                10_000 + self._boot,
                number + 1,
                now - timedelta(milliseconds=number % 1_000),
                now,
                now,
                "position",
                "good",
                reading,
                "a" * 64,
            )
            for number in range(count)
        ]
        async with await psycopg.AsyncConnection.connect(self._stand.app_dsn) as connection:
            await connection.execute("SET ROLE tallyhouse_command")
            await connection.commit()
            began = clock.now()
            for start in range(0, count, COPY_ROWS):
                async with connection.cursor() as cursor, cursor.copy(COPY) as copy:
                    copy.set_types(COPY_TYPES)
                    for row in rows[start : start + COPY_ROWS]:
                        await copy.write_row(row)
                await connection.commit()
            return count / (clock.now() - began).total_seconds()

    # --- under load --------------------------------------------------------------------------------

    async def paced(self, per_s: float) -> dict[str, Any]:
        """Latency from the wire to the twin at a steady rate, by the fold's own cursor."""
        devices, before = self._devices(), await self._stand.watch.stored()
        async with self._product():
            await self._warm_up(devices)
            warmed = await self._stand.watch.stored()
            watching = asyncio.create_task(self._stand.watch.run())
            listening = asyncio.create_task(devices.listen())
            sent = await self._publish_at(devices, per_s)
            await self._until(self._stand.watch.folded, warmed + sent)
            await asyncio.sleep(1.0)
            for task in (watching, listening):
                task.cancel()
            await asyncio.gather(watching, listening, return_exceptions=True)
        late_ms = await self._latencies(warmed)
        late_ms.sort()
        figures = {
            "per_s": per_s,
            "readings": sent,
            "p50_ms": late_ms[len(late_ms) // 2],
            "p99_ms": late_ms[int(len(late_ms) * 0.99)],
            "worst_ms": late_ms[-1],
            "acked": sum(devices.acked.values()),
            "acked_lost": await devices.lost(),
            "before": before,
        }
        self._say(
            f"at {per_s:,.0f}/s: wire to twin p50 {figures['p50_ms']:.0f}, p99 {figures['p99_ms']:.0f} ms"
        )
        return figures

    async def _warm_up(self, devices: _Devices) -> None:
        before = await self._stand.watch.stored()
        await self._stand.publish([devices.message(n, 1) for n in range(50)])
        await self._until(self._stand.watch.folded, before + 50)

    async def _publish_at(self, devices: _Devices, per_s: float) -> int:
        """Publish for `PACED_S` at a steady rate, each device on a line of its own; a reading carries the
        moment it is made, and is sent with the others that are due then."""
        loop, sent = asyncio.get_running_loop(), 0
        async with self._stand.publishers(devices.topics) as lines:
            began = loop.time()
            while (passed := loop.time() - began) < PACED_S:
                due: dict[str, list[bytes]] = {}
                for number in range(sent, int(passed * per_s)):
                    topic, payload = devices.message(number, 1)
                    due.setdefault(topic, []).append(payload)
                    sent += 1
                for topic, payloads in due.items():
                    lines[topic].say(payloads)
                await asyncio.sleep(PACE_EVERY_S)
        return sent

    async def _latencies(self, after: int) -> list[float]:
        async with self._stand.database.write(BENCH) as tx:
            rows = await tx.rows(
                "SELECT position, observed_at FROM devices.observation"
                " WHERE site_id = %(site_id)s AND position > %(after)s ORDER BY position",
                {"site_id": self._stand.site_id, "after": after},
            )
        folded_at = self._stand.watch.folded_at
        return [(folded_at(row["position"]) - row["observed_at"]).total_seconds() * 1_000 for row in rows]

    async def loaded(self) -> dict[str, Any]:
        """A minute without a pause; half-way the edge is killed and started again."""
        devices, before = self._devices(), await self._stand.watch.stored()
        loop = asyncio.get_running_loop()
        listening = asyncio.create_task(devices.listen())
        async with self._stand.role("fold") as fold:
            async with self._stand.role("edge") as edge:
                await self._warm_up(devices)
                start_mb = edge.memory_mb() + fold.memory_mb()
                began = loop.time()
                sent, peak_mb = await self._flood(devices, LOADED_S / 2, edge, fold)
                await edge.stop(signal.SIGKILL)
            async with self._stand.role("edge") as edge:
                more, more_mb = await self._flood(devices, LOADED_S / 2, edge, fold)
                took_s = loop.time() - began
                await self._until(self._stand.watch.folded, before + 50 + sent + more)
                await asyncio.sleep(1.0)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        figures = {
            "published": sent + more,
            "published_per_s": (sent + more) / took_s,
            "start_mb": start_mb,
            "peak_mb": max(peak_mb, more_mb),
            "growth_mb": max(peak_mb, more_mb) - start_mb,
            "acked": sum(devices.acked.values()),
            "acked_lost": await devices.lost(),
        }
        self._say(
            f"{figures['published_per_s']:,.0f}/s for a minute: {figures['growth_mb']:.0f} MB more,"
            f" {figures['acked_lost']} of {figures['acked']} acknowledged readings lost"
        )
        return figures

    async def _flood(
        self, devices: _Devices, seconds: float, edge: RoleProcess, fold: RoleProcess
    ) -> tuple[int, float]:
        login, loop = self._stand.login, asyncio.get_running_loop()
        sent, peak_mb = 0, 0.0
        async with aiomqtt.Client(
            login.host, login.port, username=login.username, password=login.password
        ) as client:
            until = loop.time() + seconds
            while loop.time() < until:
                for _ in range(200):
                    topic, payload = devices.message(sent, 1)
                    await client.publish(topic, payload, qos=1)
                    sent += 1
                peak_mb = max(peak_mb, edge.memory_mb() + fold.memory_mb())
        return sent, peak_mb


COPY = (
    "COPY devices.observation (site_id, position, device_id, boot, sequence, observed_at, received_at,"
    " recorded_at, kind, quality, reading, raw_sha256) FROM STDIN (FORMAT BINARY)"
)
COPY_TYPES = ("text", "int8", "text", "int8", "int8", *("timestamptz",) * 3, "text", "text", "jsonb", "text")
