"""Transactions, roles and the outbox on a real PostgreSQL."""

import psycopg
import pytest

from app.database import PgTx
from kernel.caller import Caller


async def test_a_command_transaction_runs_as_the_command_role(tx: PgTx) -> None:
    assert await tx.value("SELECT current_user") == "tallyhouse_command"


async def test_a_reading_transaction_cannot_write(as_caller, tx: PgTx) -> None:
    async with as_caller("party-test", "auditor", reading=True) as read:
        assert await read.value("SELECT current_user") == "tallyhouse_read"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with read.savepoint():
                await read.run(
                    "INSERT INTO identity.party VALUES ('x', 'bank', 'X', %(now)s)", {"now": read.now}
                )


async def test_the_products_account_owns_nothing_and_is_no_superuser(tx: PgTx) -> None:
    row = await tx.row("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = 'tallyhouse_app'")
    assert row == {"rolsuper": False, "rolbypassrls": False}
    owned = await tx.value(
        """SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
        WHERE r.rolname IN ('tallyhouse_app', 'tallyhouse_command', 'tallyhouse_read')"""
    )
    assert owned == 0


async def test_every_table_has_a_comment_that_says_what_it_is(tx: PgTx) -> None:
    bare = await tx.rows(
        """SELECT c.oid::regclass::text AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('app', 'identity', 'devices', 'twin', 'wms', 'finance')
            AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND obj_description(c.oid) IS NULL"""
    )
    assert bare == []


def test_the_product_calls_itself_by_part() -> None:
    assert Caller.product("fold").person_id == "product:fold"
