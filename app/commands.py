"""One command, one transaction: idempotency key, handler, audit record, events, commit."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, get_type_hints

import msgspec
from psycopg.types.json import Jsonb

from app.database import Database, PgTx
from kernel.caller import Caller
from kernel.errors import Conflict, Invalid
from kernel.messages import Command
from kernel.tx import ReadTx, Row

Handler = Callable[[Any, Any], Awaitable[Any]]
KEY_LENGTH_MAX = 128

# Claims a key; a second transaction with the same key waits here until the first has ended.
CLAIM_KEY = (
    "INSERT INTO app.idempotency (caller, key, command, request_sha256, answer, answered_at)"
    " VALUES (%(caller)s, %(key)s, %(command)s, %(request_sha256)s, 'null', %(now)s) ON CONFLICT DO NOTHING"
)
EARLIER_ANSWER = (
    "SELECT command, request_sha256, answer FROM app.idempotency WHERE caller = %(caller)s AND key = %(key)s"
)
KEEP_ANSWER = "UPDATE app.idempotency SET answer = %(answer)s WHERE caller = %(caller)s AND key = %(key)s"
INSERT_AUDIT = (
    "INSERT INTO app.audit_record (at, caller, party_id, command, body)"
    " VALUES (%(at)s, %(caller)s, %(party_id)s, %(command)s, %(body)s)"
)


class Commands:
    """Carries out commands and opens reads for routes (the `Desk` of `identity.http`)."""

    def __init__(self, database: Database, handlers: Mapping[type[Command], Handler]) -> None:
        self._database = database
        self._handlers = handlers
        self._answers = {kind: get_type_hints(handler)["return"] for kind, handler in handlers.items()}

    def read(self, caller: Caller) -> AbstractAsyncContextManager[ReadTx]:
        return self._database.read(caller)

    async def do(self, caller: Caller, command: Command, key: str | None = None) -> Any:
        """Carry out `command` for `caller`; with a key, the same key and body return the first answer.

        Raises Conflict when the key was used with another body, and whatever the handler raises.
        """
        if key is not None and not 1 <= len(key) <= KEY_LENGTH_MAX:
            raise Invalid(
                "idempotency.key", field="Idempotency-Key", rule=f"1 to {KEY_LENGTH_MAX} characters"
            )
        async with self._database.write(caller) as tx:
            earlier = await self._earlier(tx, command, key)
            if earlier is not None:
                return msgspec.convert(earlier["answer"], self._answers[type(command)])
            return await self._carry_out(tx, command, key)

    async def _earlier(self, tx: PgTx, command: Command, key: str | None) -> Row | None:
        if key is None:
            return None
        digest = hashlib.sha256(msgspec.json.encode(command, order="sorted")).hexdigest()
        claim = {
            "caller": tx.caller.person_id,
            "key": key,
            "command": type(command).__name__,
            "request_sha256": digest,
            "now": tx.now,
        }
        if await tx.run(CLAIM_KEY, claim) == 1:
            return None
        earlier = await tx.row(EARLIER_ANSWER, claim)
        assert earlier is not None, "a key that could not be claimed has an answer"
        if (earlier["command"], earlier["request_sha256"]) != (claim["command"], digest):
            raise Conflict("idempotency.key_reused", field="Idempotency-Key", rule="one key, one request")
        return earlier

    async def _carry_out(self, tx: PgTx, command: Command, key: str | None) -> Any:
        answer = await self._handlers[type(command)](command, tx)
        if key is not None:
            kept = {"caller": tx.caller.person_id, "key": key, "answer": Jsonb(msgspec.to_builtins(answer))}
            await tx.run(KEEP_ANSWER, kept)
        await tx.run(
            INSERT_AUDIT,
            {
                "at": tx.now,
                "caller": tx.caller.person_id,
                "party_id": tx.caller.party_id,
                "command": type(command).__name__,
                "body": Jsonb(_without_secrets(msgspec.to_builtins(command))),
            },
        )
        return answer


def _without_secrets(body: dict[str, Any]) -> dict[str, Any]:
    """Passwords and tokens never reach the audit record."""
    return {name: "…" if name in {"password", "token", "secret"} else value for name, value in body.items()}
