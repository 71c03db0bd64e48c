"""Scans that handhelds send over the broker: the command that HTTP carries too, for the person who scanned.

Nothing is kept here. A handheld keeps its scans until `…/reply` says that they are committed, and sends again
what was not answered; so a batch that cannot be carried out now is forgotten, and no reading waits behind it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import msgspec
import psycopg
import structlog

from app.database import Database
from app.supervise.broker_access import NoteTurnedAway
from devices.api import EdgeDevice
from devices.drivers.pda.codec import ScanBatch, SignedBatch, is_proven
from devices.transport.decoding import Arrived
from identity.api import session_with
from kernel.caller import Caller
from kernel.errors import TallyhouseError, Unavailable
from kernel.messages import Command
from wms.messages import MAY_SCAN, RecordScans, Scan, ScansRecorded

BATCHES_WAITING_MAX: Final = 4
"""Of one handheld: it is to wait for an answer before it sends the next."""

log = structlog.get_logger("edge")

Do = Callable[[Caller, Command], Awaitable[Any]]
"""Carries out a command in one transaction."""
Tell = Callable[[str, str, bytes], None]
"""Puts an answer on the `…/reply` of a site's device."""


class _Waiting(NamedTuple):
    arrived: Arrived
    signed: SignedBatch


class BrokerScans:
    """Carries out the batches of each handheld one after the other, in the order they came."""

    def __init__(self, database: Database, do: Do, turn_away: NoteTurnedAway) -> None:
        self._database = database
        self._do = do
        self._turn_away = turn_away
        self._waiting: dict[str, deque[_Waiting]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def put(self, device: EdgeDevice, arrived: Arrived, signed: SignedBatch, tell: Tell) -> None:
        """Have a batch carried out and answered. One more than may wait is told to come later."""
        waiting = self._waiting.setdefault(device.device_id, deque())
        if len(waiting) >= BATCHES_WAITING_MAX:
            slow_down = {"slow_down": {"batches_waiting_max": BATCHES_WAITING_MAX}}
            tell(device.site_id, device.device_id, msgspec.json.encode(slow_down))
            return
        waiting.append(_Waiting(arrived, signed))
        if device.device_id not in self._tasks:
            work = self._work(device, waiting, tell)
            self._tasks[device.device_id] = asyncio.create_task(work, name=f"scans {device.device_id}")

    async def _work(self, device: EdgeDevice, waiting: deque[_Waiting], tell: Tell) -> None:
        try:
            while waiting:
                arrived, signed = waiting[0]
                tell(device.site_id, device.device_id, await self.answer(device, arrived, signed))
                waiting.popleft()
        except Unavailable as error:
            log.warning("scans_unanswered", device_id=device.device_id, reason=str(error))
        except Exception as error:
            log.error("scans_failed", device_id=device.device_id, exc_info=error)
        finally:
            waiting.clear()
            del self._tasks[device.device_id]

    async def answer(self, device: EdgeDevice, arrived: Arrived, signed: SignedBatch) -> bytes:
        """Carry out a batch; returns what its handheld is told. Raises Unavailable."""
        batch = signed.batch
        try:
            caller = await self._person(device, signed)
            recorded = await self._do(caller, _command(device, batch))
        except Unavailable:
            raise
        except TallyhouseError as error:
            return refusal(error.key, error.facts, batch)
        except (psycopg.DataError, UnicodeEncodeError):
            facts = {"field": "scans", "rule": "characters of Unicode other than NUL"}
            return refusal("request.unreadable", facts, batch)
        return _answered(recorded, arrived, batch)

    async def _person(self, device: EdgeDevice, signed: SignedBatch) -> Caller:
        """Who scanned: the person of a live session, proven by its secret. Raises what HTTP answers 401 and
        403 for."""
        if signed.batch.device_id != device.device_id:
            rule = "the device of the topic"
            self._turn_away(device.device_id, "device_id", rule, signed.batch.device_id.encode(), apart=True)
            raise TallyhouseError("scan.other_device", field="device_id", rule=rule)
        async with self._database.write(Caller.product("sessions")) as tx:
            opened = await session_with(tx, signed.session_id)
        if opened is None:
            raise TallyhouseError("session.none", field="session", rule="a live session")
        if not is_proven(opened.csrf_token, signed):
            rule = "made with the secret of the session"
            self._turn_away(device.device_id, "proof", rule)
            raise TallyhouseError("scan.proof", field="proof", rule=rule)
        if not opened.caller.roles & set(MAY_SCAN):
            raise TallyhouseError("session.role", allowed=sorted(MAY_SCAN))
        return opened.caller


def refusal(key: str, facts: dict[str, Any], batch: ScanBatch | None = None) -> bytes:
    """`{"refused":{"key":"session.none","boot":3,"sequence":12}}`: the batch that began there is not taken,
    and `key` says why, as in a problem document."""
    place = {} if batch is None else {"boot": batch.boot, "sequence": batch.scans[0].sequence}
    return msgspec.json.encode({"refused": {"key": key, **facts, **place}}, enc_hook=str)


def _command(device: EdgeDevice, batch: ScanBatch) -> RecordScans:
    return RecordScans(
        site_id=device.site_id,
        device_id=device.device_id,
        boot=batch.boot,
        scans=tuple(
            Scan(
                sequence=scan.sequence,
                observed_at=scan.observed_at,
                code=scan.code,
                place_code=scan.place_code,
                symbology=scan.symbology,
                task_id=scan.task_id,
            )
            for scan in batch.scans
        ),
        sent_at=batch.sent_at,
    )


def _answered(recorded: ScansRecorded, arrived: Arrived, batch: ScanBatch) -> bytes:
    """`acked_through` and the results of HTTP, and how far the handheld's clock is ahead of ours."""
    ahead = None if batch.sent_at is None else batch.sent_at - arrived.received_at
    return msgspec.json.encode(
        {
            "acked_through": {"boot": recorded.acked_boot, "sequence": recorded.acked_sequence},
            "boot": batch.boot,
            "results": recorded.results,
            "clock_ahead_ms": None if ahead is None else round(ahead.total_seconds() * 1000),
        }
    )
