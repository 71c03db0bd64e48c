"""Receipts, pledges, loans and the books under any sequence of what people may try.

Each rule tries something, allowed or not; a refusal is fine, a broken invariant is not. Goods are real: they
arrived at the gate and were folded by the twin before the machine starts. Each example runs in one
transaction that is rolled back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from typing import Any, NamedTuple

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from psycopg.rows import dict_row

from app.database import PgTx
from finance.api import audit, days_to_close
from finance.messages import (
    ApproveDrawdown,
    ApprovePrice,
    CancelReceipt,
    PledgeReceipt,
    ProposeDrawdown,
    RefusePrice,
    ReleasePledge,
    RepayLoan,
    RunDayEnd,
    SetPrice,
)
from kernel.caller import Caller
from kernel.clock import ManualClock
from kernel.errors import TallyhouseError
from kernel.ids import Ids
from tests.conftest import TestServer
from tests.store.finance.conftest import BANK, KEEPER, OTHER_BANK, OWNER, SKU, Lot, Story
from wms.messages import ShipmentDeparted

STEPS_MAX = 25
EXAMPLES = 20
BANKS = (BANK, OTHER_BANK)
picks = st.integers(0, 7)

STATE = """
    SELECT
        (SELECT count(*) FROM (SELECT unit_id FROM finance.receipt_unit WHERE live
            GROUP BY unit_id HAVING count(*) > 1) twice) AS units_twice,
        (SELECT count(*) FROM finance.facility WHERE drawn_fen > limit_fen OR interest_fen < 0) AS beyond,
        (SELECT count(*) FROM finance.loan WHERE interest_fen < 0 OR outstanding_fen < 0) AS negative,
        (SELECT coalesce(array_agg(u.unit_id ORDER BY u.unit_id), '{}') FROM finance.pledge p
            JOIN finance.receipt_unit u ON u.receipt_id = p.receipt_id AND u.live
            WHERE p.released_at IS NULL) AS pledged,
        (SELECT coalesce(array_agg(b.unit_id ORDER BY b.unit_id), '{}') FROM wms.balance b
            WHERE b.hold_id IS NOT NULL AND b.quantity_each > 0) AS held,
        (SELECT coalesce(sum(amount_fen), 0) FROM finance.posting)::bigint AS books"""


class Stocked(NamedTuple):
    """A database with goods in the hall and two open facilities."""

    dsn: str
    story: Story
    lots: list[Lot]
    facilities: list[str]


@pytest.fixture
async def stocked(database_server: TestServer, clock: ManualClock, ids: Ids) -> AsyncIterator[Stocked]:
    async with (
        database_server.copy() as server,
        await psycopg.AsyncConnection.connect(server.app_dsn, row_factory=dict_row) as connection,
    ):
        tx = PgTx(connection, Caller.product("test"), clock.now(), ids)
        await tx.begin_as("tallyhouse_command")
        story = Story(tx, clock)
        await story.build()
        lots = [await story.receive(4), await story.receive(3)]
        facilities = [await story.facility(bank=bank, limit_fen=1_500_000) for bank in BANKS]
        await connection.commit()
        yield Stocked(server.app_dsn, story, lots, facilities)


def test_no_sequence_of_commands_breaks_the_books(stocked: Stocked) -> None:
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        run_state_machine_as_test(
            lambda: Lending(stocked, runner),
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS_MAX,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


class Lending(RuleBasedStateMachine):
    """People at work on a warehouse that is stocked."""

    def __init__(self, stocked: Stocked, runner: asyncio.Runner) -> None:
        super().__init__()
        self.stocked = stocked
        self.runner = runner
        self.clock = ManualClock(stocked.story.clock.now())
        self.story: Story = runner.run(self._open())
        self.drawdowns: list[str] = []

    async def _open(self) -> Story:
        connection = await psycopg.AsyncConnection.connect(self.stocked.dsn, row_factory=dict_row)
        tx = PgTx(connection, Caller.product("test"), self.clock.now(), Ids.unguessable(self.clock))
        await tx.begin_as("tallyhouse_command")
        return Story(tx, self.clock, after=self.stocked.story)

    def teardown(self) -> None:
        async def close() -> None:
            await self.story.tx.connection.rollback()
            await self.story.tx.connection.close()

        self.runner.run(close())

    def attempt(self, what: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """The answer, or None when it was refused."""

        async def tried() -> Any:
            try:
                return await what()
            except TallyhouseError:
                return None

        return self.runner.run(tried())

    def one(self, sql: str, pick: int) -> str | None:
        """The id that `pick` falls on among what the query finds."""
        rows = self.runner.run(self.story.tx.rows(sql))
        return None if not rows else str(next(iter(rows[pick % len(rows)].values())))

    @initialize(begun=st.integers(0, 3))
    def begin_with_some_of_it_lent(self, begun: int) -> None:
        """Most examples start with a pledge or two and with money drawn on them."""
        for nth in range(min(begun, 2)):
            self.issue_and_pledge_a_whole_lot(lot=nth, facility=nth)
            self.draw(facility=nth, share=60)
            self.approve(pick=nth, bank=nth)

    @rule(lot=st.integers(0, 1), units=st.sets(st.integers(0, 3), min_size=1))
    def issue(self, lot: int, units: set[int]) -> None:
        goods = self.stocked.lots[lot]
        named = tuple(goods.unit_ids[nth] for nth in sorted(units) if nth < len(goods.unit_ids))
        self.attempt(lambda: self.story.do(self.story.issue(goods, named), KEEPER))

    @rule(lot=st.integers(0, 1), facility=st.integers(0, 1))
    def issue_and_pledge_a_whole_lot(self, lot: int, facility: int) -> None:
        line = self.stocked.facilities[facility]
        self.attempt(lambda: self.story.pledged(self.stocked.lots[lot], line))

    @rule(pick=picks, facility=st.integers(0, 1))
    def pledge(self, pick: int, facility: int) -> None:
        receipt_id = self.one("SELECT receipt_id FROM finance.receipt ORDER BY 1", pick)
        if receipt_id is not None:
            command = PledgeReceipt(receipt_id=receipt_id, facility_id=self.stocked.facilities[facility])
            self.attempt(lambda: self.story.do(command, OWNER))

    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        receipt_id = self.one("SELECT receipt_id FROM finance.receipt ORDER BY 1", pick)
        if receipt_id is not None:
            command = CancelReceipt(receipt_id=receipt_id, reason="Error")
            self.attempt(lambda: self.story.do(command, KEEPER))

    @rule(facility=st.integers(0, 1), share=st.integers(1, 130))
    def draw(self, facility: int, share: int) -> None:
        """Ask for a share of the lendable amount, often too much."""
        line, bank = self.stocked.facilities[facility], BANKS[facility]
        amount_fen = 1_000_000 * share // 100
        maturity_on = (self.clock.now() + timedelta(days=90)).date()
        command = ProposeDrawdown(facility_id=line, amount_fen=amount_fen, maturity_on=maturity_on)
        proposed = self.attempt(lambda: self.story.do(command, bank, "officer"))
        if proposed is not None:
            self.drawdowns.append(proposed.drawdown_id)

    @rule(pick=picks, bank=st.integers(0, 1))
    def approve(self, pick: int, bank: int) -> None:
        if not self.drawdowns:
            return
        command = ApproveDrawdown(drawdown_id=self.drawdowns[pick % len(self.drawdowns)])
        drawn = self.attempt(lambda: self.story.do(command, BANKS[bank], "approver"))
        if drawn is not None:
            line = self.runner.run(self._facility(drawn.facility_id))
            assert line["drawn_fen"] + line["interest_fen"] <= line["lendable_fen"], line

    async def _facility(self, facility_id: str) -> dict[str, Any]:
        row = await self.story.tx.row(
            "SELECT drawn_fen, interest_fen, lendable_fen FROM finance.facility WHERE facility_id = %(id)s",
            {"id": facility_id},
        )
        assert row is not None
        return row

    @rule(pick=picks, amount_fen=st.one_of(st.integers(1, 2_000_000), st.just(0)))
    def repay(self, pick: int, amount_fen: int) -> None:
        """An amount, or with 0 all that the loan's row says is owed."""
        loan_id = self.one("SELECT loan_id FROM finance.loan ORDER BY 1", pick)
        bank = self.one("SELECT bank_party_id FROM finance.loan ORDER BY loan_id", pick) or BANK
        if loan_id is None:
            return
        owed = "SELECT (outstanding_fen + interest_fen)::text FROM finance.loan ORDER BY loan_id"
        command = RepayLoan(loan_id=loan_id, amount_fen=amount_fen or int(self.one(owed, pick) or 0))
        self.attempt(lambda: self.story.do(command, bank))

    @rule(pick=picks, bank=st.integers(0, 1))
    def release(self, pick: int, bank: int) -> None:
        pledge_id = self.one("SELECT pledge_id FROM finance.pledge ORDER BY 1", pick)
        if pledge_id is not None:
            self.attempt(lambda: self.story.do(ReleasePledge(pledge_id=pledge_id), BANKS[bank]))

    @rule(bank=st.integers(0, 1), price_fen_each=st.integers(8_000, 16_000))
    def price(self, bank: int, price_fen_each: int) -> None:
        now = self.clock.now()
        command = SetPrice(sku=SKU, price_fen_each=price_fen_each, source="Exchange", quoted_at=now)
        self.attempt(lambda: self.story.do(command, BANKS[bank], "officer"))

    @rule(pick=picks, bank=st.integers(0, 1), person=st.sampled_from(["officer", "approver"]))
    def approve_price(self, pick: int, bank: int, person: str) -> None:
        price_id = self.one("SELECT price_id FROM finance.price ORDER BY price_id DESC", pick)
        if price_id is not None:
            command = ApprovePrice(price_id=price_id)
            self.attempt(lambda: self.story.do(command, BANKS[bank], person))

    @rule(pick=picks, bank=st.integers(0, 1), person=st.sampled_from(["officer", "approver"]))
    def refuse_price(self, pick: int, bank: int, person: str) -> None:
        price_id = self.one("SELECT price_id FROM finance.price ORDER BY price_id DESC", pick)
        if price_id is not None:
            command = RefusePrice(price_id=price_id, reason="Not so much.")
            self.attempt(lambda: self.story.do(command, BANKS[bank], person))

    @rule(lot=st.integers(0, 1))
    def look(self, lot: int) -> None:
        """Forklifts move the lot's pallets once more, so that sensors see them anew."""
        self.runner.run(self.story.put_down(self.stocked.lots[lot].pallets))

    @rule(hours=st.integers(1, 20))
    def wait(self, hours: int) -> None:
        """Time goes by, and the bank's day-end closes what is over."""
        self.clock.advance(hours * 3600)
        self.story.tx.now = self.clock.now()
        for bank_party_id, day in self.runner.run(days_to_close(self.story.tx)):
            command = RunDayEnd(bank_party_id=bank_party_id, business_date=day)
            closed = self.attempt(lambda command=command: self.story.do(command, "product"))
            assert closed is not None
            assert closed.closed

    @rule(lot=st.integers(0, 1), nth=st.integers(0, 3))
    def leave(self, lot: int, nth: int) -> None:
        """A pallet goes out against a release, when wms would let it: that is, when it is not held."""
        goods = self.stocked.lots[lot]
        unit_id = goods.unit_ids[nth % len(goods.unit_ids)]
        if unit_id in self.runner.run(self.story.tx.row(STATE))["held"]:
            return
        departed = ShipmentDeparted(
            site_id=self.story.site_id,
            release_id="release",
            order_id="order",
            gate_id="gate-1",
            vehicle_id="vehicle",
            unit_ids=(unit_id,),
            lot_ids=(goods.lot_id,),
            evidence_ids=(),
            departed_at=self.clock.now(),
        )
        self.runner.run(self.story.tell(departed))

    @invariant()
    def the_rows_are_the_sum_of_the_journals(self) -> None:
        for journal in self.runner.run(audit(self.story.tx)):
            assert journal.findings == [], journal

    @invariant()
    def nothing_is_pledged_twice_and_what_is_pledged_is_held(self) -> None:
        state = self.runner.run(self.story.tx.row(STATE))
        assert (state["units_twice"], state["beyond"], state["negative"], state["books"]) == (0, 0, 0, 0)
        assert state["pledged"] == state["held"]
