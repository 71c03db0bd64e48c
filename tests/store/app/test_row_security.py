"""Row-level security on every table that holds something of a party, or a reason why not."""

import psycopg

from tests.conftest import TestServer

OPEN = {
    # The product's own bookkeeping: no view of a party reads it, or it holds nothing of any party.
    "app.audit_record": "read by the product alone",
    "app.cursor": "how far consumers have come",
    "app.dead_letter": "read by the product alone",
    "app.event": "the outbox; views ask for each event's subjects",
    "app.idempotency": "read by the product alone",
    "app.installation": "what is installed here",
    "app.migration": "what is installed here",
    # Accounts: read by identity alone, save the names of parties, which stand on any receipt.
    "identity.access": "what row-level security itself rests on",
    "identity.failed_sign_in": "read by the product alone",
    "identity.party": "names of parties",
    "identity.person": "read by the product alone",
    "identity.session": "read by the product alone",
}
TABLES = """
    SELECT n.nspname || '.' || c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS secured,
        has_table_privilege('tallyhouse_read', c.oid, 'SELECT') AS readable,
        has_table_privilege('tallyhouse_read', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS writable
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (ARRAY['app', 'identity', 'devices', 'twin', 'wms', 'finance'])
        AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY 1"""
POLICIES = "SELECT schemaname || '.' || tablename AS name, roles::text[] AS roles, cmd, qual FROM pg_policies"


async def answers(server: TestServer, sql: str) -> list[dict[str, object]]:
    async with await psycopg.AsyncConnection.connect(
        server.owner_dsn, row_factory=psycopg.rows.dict_row
    ) as connection:
        return await (await connection.execute(sql.encode())).fetchall()


async def test_every_table_that_views_can_read_is_secured_or_open_for_a_reason(
    database_server: TestServer,
) -> None:
    tables = await answers(database_server, TABLES)
    assert len(tables) > 50
    unsecured = {row["name"] for row in tables if row["readable"] and not row["secured"]}
    assert unsecured - OPEN.keys() == set()


async def test_what_is_said_to_be_read_by_the_product_alone_is(database_server: TestServer) -> None:
    readable = {row["name"] for row in await answers(database_server, TABLES) if row["readable"]}
    assert {name for name in readable if OPEN.get(str(name)) == "read by the product alone"} == set()


async def test_views_can_write_nothing(database_server: TestServer) -> None:
    assert [row["name"] for row in await answers(database_server, TABLES) if row["writable"]] == []


async def test_every_policy_for_views_is_for_reading_only_and_asks_who_reads(
    database_server: TestServer,
) -> None:
    policies = [row for row in await answers(database_server, POLICIES) if "tallyhouse_read" in row["roles"]]  # type: ignore[operator]
    assert policies
    assert {row["cmd"] for row in policies} == {"SELECT"}
    everybody = {row["name"] for row in policies if row["qual"] == "true"}
    assert everybody == {"wms.sku", "wms.review_rule"}


async def test_no_role_of_the_product_passes_by_the_policies(database_server: TestServer) -> None:
    roles = await answers(
        database_server,
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'tallyhouse_%' AND (rolsuper OR rolbypassrls)",
    )
    assert roles == []
