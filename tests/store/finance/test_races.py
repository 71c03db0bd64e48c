"""What only shows between connections: two people at the same moment, exactly one of whom gets it."""

import asyncio
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from app.database import PgTx
from finance.ledger.handlers import book, open_accounts, open_books
from finance.ledger.model import Draft, Posting, facility_accounts, transfer
from finance.messages import ApproveDrawdown, PledgeReceipt, ProposeDrawdown, RepayLoan
from kernel.caller import Caller
from tests.store.finance.conftest import BANK, KEEPER, OTHER_BANK, OWNER, Story, World
from tests.store.finance.test_lending import LENDABLE_FEN, drawn, due

ROUNDS = 6


def sorted_out(answers: list[Any]) -> tuple[list[Any], list[str]]:
    """What succeeded, and the keys of what was refused."""
    done = [answer for answer in answers if not isinstance(answer, Exception)]
    return done, sorted(answer.key for answer in answers if isinstance(answer, Exception))


async def test_of_receipts_issued_at_once_on_the_same_pallets_one_is_written(world: World) -> None:
    lot = await world.story.receive(3)
    await world.commit()
    command = world.story.issue(lot)
    answers = await asyncio.gather(*(world.attempt(command, KEEPER, f"keeper-{n}") for n in range(ROUNDS)))
    done, refused = sorted_out(answers)
    assert len(done) == 1
    assert refused == ["receipts.units_under_receipt"] * (ROUNDS - 1)
    await world.story.tx.connection.rollback()
    await world.story.tx.begin_as("tallyhouse_command")
    assert await world.story.tx.value("SELECT last_number FROM finance.receipt_counter") == 1


async def test_receipts_issued_at_once_on_parts_of_a_lot_stay_within_what_was_seen(world: World) -> None:
    lot = await world.story.receive(12)
    await world.commit()
    halves = [lot.unit_ids[:6], lot.unit_ids[6:], lot.unit_ids[3:9]]
    answers = await asyncio.gather(
        *(world.attempt(world.story.issue(lot, part), KEEPER, f"keeper-{n}") for n, part in enumerate(halves))
    )
    done, refused = sorted_out(answers)
    assert len(done) + len(refused) == 3
    assert set(refused) <= {"receipts.units_under_receipt", "receipts.above_verified"}
    live = await _value(world, "SELECT count(*) FROM finance.receipt_unit WHERE live")
    assert live == 6 * len(done) <= 12
    numbers = await _value(world, "SELECT array_agg(number ORDER BY number) FROM finance.receipt")
    assert numbers == list(range(1, len(done) + 1))


async def test_of_two_banks_one_gets_the_receipt(world: World) -> None:
    story = world.story
    lot = await story.receive(3)
    lines = [await story.facility(), await story.facility(bank=OTHER_BANK)]
    receipt_id = await story.receipt(lot)
    await world.commit()
    answers = await asyncio.gather(
        *(
            world.attempt(PledgeReceipt(receipt_id=receipt_id, facility_id=line), OWNER, f"borrower-{line}")
            for line in lines
        )
    )
    done, refused = sorted_out(answers)
    assert (len(done), refused) == (1, ["pledge.already_pledged"])
    assert await _value(world, "SELECT count(*) FROM finance.pledge WHERE released_at IS NULL") == 1


async def test_of_drawdowns_approved_at_once_only_what_the_stock_carries_is_drawn(world: World) -> None:
    story = world.story
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    half = LENDABLE_FEN // 2
    proposals = [
        await story.do(
            ProposeDrawdown(facility_id=facility_id, amount_fen=half, maturity_on=due(story)),
            BANK,
            "officer-a",
        )
        for _ in range(ROUNDS)
    ]
    await world.commit()
    answers = await asyncio.gather(
        *(
            world.attempt(ApproveDrawdown(drawdown_id=proposal.drawdown_id), BANK, "approver-a")
            for proposal in proposals
        )
    )
    done, refused = sorted_out(answers)
    assert (len(done), refused) == (2, ["drawdown.above_lendable"] * (ROUNDS - 2))
    assert await _value(world, "SELECT drawn_fen FROM finance.facility") == 2 * half
    assert await _value(world, "SELECT sum(amount_fen) FROM finance.posting WHERE amount_fen > 0") == 2 * half


async def test_of_full_repayments_at_once_one_is_booked(world: World) -> None:
    story = world.story
    lot, facility_id = await story.receive(), await story.facility()
    await story.pledged(lot, facility_id)
    loan_id = await drawn(story, facility_id, 1_000_000)
    await world.commit()
    pay = RepayLoan(loan_id=loan_id, amount_fen=1_000_000)
    answers = await asyncio.gather(*(world.attempt(pay, BANK, f"officer-{n}") for n in range(ROUNDS)))
    done, refused = sorted_out(answers)
    assert (len(done), refused) == (1, ["loan.repaid"] * (ROUNDS - 1))
    assert await _value(world, "SELECT drawn_fen FROM finance.facility") == 0


async def _value(world: World, sql: str) -> Any:
    await world.story.tx.connection.rollback()
    await world.story.tx.begin_as("tallyhouse_command")
    return await world.story.tx.value(sql)


async def test_an_entry_that_does_not_balance_is_refused_at_commit(world: World) -> None:
    story = world.story
    await open_books(story.tx, BANK, "CNY")
    await open_accounts(story.tx, facility_accounts(BANK, OWNER, "facility-x", "CNY"))
    await world.commit()
    draft = Draft(
        bank_party_id=BANK,
        kind="drawdown",
        value_date=story.clock.now().date(),
        currency="CNY",
        postings=transfer("facility-x:loan_principal", f"{BANK}:settlement:CNY", 500),
    )
    caller = Caller(person_id="p", party_id=BANK, roles=frozenset())
    for tamper in (
        "INSERT INTO finance.posting VALUES (%(entry)s, 3, 'facility-x:loan_principal', 7)",
        "INSERT INTO finance.posting SELECT %(entry)s, n, 'facility-x:loan_principal', 3 - 2 * (n - 3) * 3"
        " FROM generate_series(3, 4) n",
    ):
        async with await psycopg.AsyncConnection.connect(world.dsn, row_factory=dict_row) as connection:
            tx = PgTx(connection, caller, story.clock.now(), story.tx.ids)
            await tx.begin_as("tallyhouse_command")
            entry_id = await book(tx, draft, story.clock.now().date())
            await tx.run(tamper, {"entry": entry_id})
            with pytest.raises(psycopg.errors.CheckViolation, match="does not balance"):
                await connection.commit()
    assert await _value(world, "SELECT count(*) FROM finance.entry") == 0


async def test_an_account_never_goes_to_its_wrong_side(story: Story) -> None:
    await open_books(story.tx, BANK, "CNY")
    await open_accounts(story.tx, facility_accounts(BANK, OWNER, "facility-x", "CNY"))
    draft = Draft(
        bank_party_id=BANK,
        kind="repayment",
        value_date=story.clock.now().date(),
        currency="CNY",
        postings=(
            Posting(account_id=f"{BANK}:settlement:CNY", amount_fen=1),
            Posting(account_id="facility-x:loan_principal", amount_fen=-1),
        ),
    )
    with pytest.raises(psycopg.errors.CheckViolation):
        async with story.tx.savepoint():
            await book(story.tx, draft, story.clock.now().date())
