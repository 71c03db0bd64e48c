"""The driver against the fake printer, over real sockets."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from devices.drivers.zpl_printer import driver as module
from devices.drivers.zpl_printer.driver import SILENT, ZplPrinterDriver
from devices.drivers.zpl_printer.label import Medium, pallet_label
from kernel.clock import ManualClock
from kernel.messages import DeviceStatus, LabelPrinted, Rejected
from simulators.protocols.zpl_printer.server import ZplPrinterServer
from tests.contract.orders import order
from tests.contract.scales import faults, status_is
from tests.contract.wire import Collected, eventually, ticking
from tests.contract.zpl_printer.test_golden_answers import PALLET, SSCC

DriverFor = Callable[..., ZplPrinterDriver]
ONE = order("print_label", command_id="command-7", **PALLET)


@pytest.fixture
async def fake(clock: ManualClock) -> AsyncIterator[ZplPrinterServer]:
    async with ZplPrinterServer(clock) as server:
        yield server


@pytest.fixture
def driver_for(fake: ZplPrinterServer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> DriverFor:
    monkeypatch.setattr(module, "LOOK_S", 0.01)

    def make(**settings: Any) -> ZplPrinterDriver:
        given = {"port": fake.port, "poll_ms": 20, "backoff_s": (0.01,)}
        return ZplPrinterDriver("printer", "127.0.0.1", clock, 4, **(given | settings))

    return make


def labels(collected: Collected) -> list[LabelPrinted]:
    return [
        item.reading for item in collected.seen if isinstance(getattr(item, "reading", None), LabelPrinted)
    ]


def is_label(item: Any) -> bool:
    return isinstance(getattr(item, "reading", None), LabelPrinted)


async def test_a_label_is_told_once_the_printer_has_counted_it(
    fake: ZplPrinterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for(font="E:SIMSUN.TTF") as driver, Collected(driver.readings()) as collected:
        await collected.until(status_is("online"))
        printing = asyncio.create_task(driver.command(ONE))
        await eventually(lambda: bool(fake.printer.waiting))
        assert not printing.done()
        async with ticking(clock):
            assert await printing is None
        [told] = await collected.until(is_label)
    assert told.reading == LabelPrinted(job_id="command-7", is_done=True)
    assert told.raw_sha256 == hashlib.sha256(pallet_label(PALLET, Medium(font="E:SIMSUN.TTF"))).hexdigest()
    [label] = fake.printer.printed
    assert label.symbol == f"00{SSCC}"
    assert label.texts[:2] == ["White hanging heart", "白色心形挂件"]
    assert {"85123A", "货号", "L-7", "100", "600.0", f"(00){SSCC}"} <= set(label.texts)


async def test_a_printer_that_keeps_no_count_is_believed_by_its_empty_buffer(
    fake: ZplPrinterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    fake.printer.keeps_count = False
    async with driver_for() as driver, Collected(driver.readings()), ticking(clock):
        assert await driver.command(ONE) is None
    assert len(fake.printer.printed) == 1


@pytest.mark.parametrize(
    ("attribute", "failure", "reason"),
    [
        ("head_open", "head_open", "the head is open"),
        ("paper_out", "paper_out", "the labels are used up"),
        ("ribbon_out", "ribbon_out", "the ribbon is used up"),
        ("paused", "paused", "it is paused"),
        ("too_hot", "too_hot", "the head is too hot"),
    ],
)
async def test_what_keeps_it_from_printing_is_stated_and_nothing_is_sent(
    fake: ZplPrinterServer,
    driver_for: DriverFor,
    clock: ManualClock,
    attribute: str,
    failure: str,
    reason: str,
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        setattr(fake.printer, attribute, True)
        await collected.until(status_is("fault", reason))
        assert await driver.command(ONE) == failure
        setattr(fake.printer, attribute, False)
        await collected.until(status_is("online"), 2)
    assert labels(collected) == [LabelPrinted(job_id="command-7", is_done=False, reason=failure)]
    assert fake.printer.printed == []
    assert faults(collected) == [reason]


async def test_a_label_that_failed_does_not_come_out_later(
    fake: ZplPrinterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(status_is("online"))
        printing = asyncio.create_task(driver.command(ONE))
        await eventually(lambda: bool(fake.printer.waiting))
        fake.printer.paper_out = True
        async with ticking(clock):
            assert await printing == "paper_out"
            await eventually(lambda: not fake.printer.waiting)
            fake.printer.paper_out = False
            await collected.until(status_is("online"), 2)
            assert await driver.command(order("print_label", **PALLET)) is None
    assert len(fake.printer.printed) == 1


async def test_a_printer_that_takes_a_label_and_does_nothing_has_failed(
    fake: ZplPrinterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    fake.printer.is_stuck = True
    async with driver_for(print_s=0.2) as driver, Collected(driver.readings()), ticking(clock):
        assert await driver.command(ONE) == "feedback"
        await eventually(lambda: not fake.printer.waiting)


async def test_a_line_that_breaks_after_the_label_was_sent_leaves_it_unconfirmed(
    fake: ZplPrinterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(status_is("online"))
        printing = asyncio.create_task(driver.command(ONE))
        await eventually(lambda: bool(fake.printer.waiting))
        await fake.cut()
        assert await printing == "unconfirmed"
        [told] = await collected.until(is_label)
        await fake.mend()
        async with ticking(clock):
            await collected.until(status_is("online"), 2)
    assert told.reading == LabelPrinted(job_id="command-7", is_done=False, reason="unconfirmed")


async def test_an_order_to_a_printer_that_is_away_is_unreachable(
    fake: ZplPrinterServer, driver_for: DriverFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.transport.errands.ERRAND_S_MAX", 0.1)
    async with driver_for(backoff_s=(60.0,)) as driver, Collected(driver.readings()) as collected:
        await collected.until(status_is("online"))
        await fake.cut()
        await collected.until(status_is("offline"))
        assert await driver.command(ONE) == "unreachable"


async def test_chinese_is_not_printed_in_a_font_that_is_not_there(
    fake: ZplPrinterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    fake.printer.objects = ()
    async with driver_for(font="E:SIMSUN.TTF") as driver, Collected(driver.readings()), ticking(clock):
        assert await driver.command(ONE) == "no_font"
    assert fake.printer.printed == []


async def test_a_wrong_sscc_is_refused(fake: ZplPrinterServer, driver_for: DriverFor) -> None:
    async with driver_for() as driver, Collected(driver.readings()):
        wrong = order("print_label", **{**PALLET, "sscc": "0" * 17 + "1"})
        assert await driver.command(wrong) == "refused"
    assert fake.printer.printed == []


async def test_a_printer_that_is_silent_in_an_error_is_away_and_says_what_may_be_the_matter(
    fake: ZplPrinterServer, driver_for: DriverFor, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_S_MAX", 0.1)
    fake.printer.is_silent_in_error = True
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        await collected.until(status_is("online"))
        fake.printer.paper_out = True
        [offline] = await collected.until(status_is("offline"))
        fake.printer.paper_out = False
        await collected.until(status_is("online"), 2)
    assert offline.reading.reason == SILENT


async def test_a_status_that_cannot_be_is_set_aside_and_the_connection_goes_on(
    fake: ZplPrinterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    fake.spoil = lambda data: data.replace(b"030,0", b"030,7")
    async with driver_for() as driver, Collected(driver.readings()) as collected, ticking(clock):
        [bad] = await collected.until(lambda item: isinstance(item, Rejected))
        fake.spoil = lambda data: b"hello" + data
        [_, stray] = await collected.until(lambda item: isinstance(item, Rejected), 2)
        fake.spoil = bytes
        assert await driver.command(ONE) is None
    assert (bad.field, bad.rule) == ("paper out", "0 or 1")
    assert (stray.field, stray.raw) == ("answer", b"hello")
    assert fake.connection_count == 1


async def test_gone_and_back_are_each_stated_once(
    fake: ZplPrinterServer, driver_for: DriverFor, clock: ManualClock
) -> None:
    async with driver_for() as driver, Collected(driver.readings()) as collected, ticking(clock):
        await collected.until(status_is("online"))
        await fake.cut()
        await collected.until(status_is("offline"))
        await fake.mend()
        await collected.until(status_is("online"), 2)
    states = [item.reading.state for item in collected.seen if isinstance(item.reading, DeviceStatus)]
    assert states == ["online", "offline", "gap", "online"]
    assert [item.observation_id for item in collected.seen] == [f"printer:4:{n}" for n in (1, 2, 3, 4)]


async def test_a_printer_that_answers_too_fast_is_limited_and_told(
    fake: ZplPrinterServer, driver_for: DriverFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.spoil = lambda data: data * 100
    async with driver_for() as driver, Collected(driver.readings()) as collected:
        [told] = await collected.until(status_is("fault"))
    assert told.reading.reason == module.TOO_FAST
