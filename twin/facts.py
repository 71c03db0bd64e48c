"""Telling a fact once: derivation may find the same fact again, subscribers hear of it one time."""

from collections.abc import Mapping

from kernel.messages import Event
from kernel.tx import Tx

# Remembers the keys and returns those that are new; two transactions with one key wait for each other.
NEW_FACTS = """
    INSERT INTO twin.fact (fact_key, emitted_at)
    SELECT key, %(now)s FROM unnest(%(keys)s::text[]) AS key
    ON CONFLICT (fact_key) DO NOTHING RETURNING fact_key"""


async def tell(tx: Tx, facts: Mapping[str, Event]) -> None:
    """Emit those events whose key was never told before, in the order given."""
    if not facts:
        return
    rows = await tx.rows(NEW_FACTS, {"keys": sorted(facts), "now": tx.now})
    fresh = {row["fact_key"] for row in rows}
    for key, event in facts.items():
        if key in fresh:
            tx.emit(event)
