"""The errors a command or a query may end with. Each carries a message key and the facts as fields.

`app/http.py` turns them into problem documents (RFC 9457); nothing else catches them.
"""

from typing import Any


class TallyhouseError(Exception):
    """Base of all expected errors.

    `key` is stable, dotted and found in the locales (`receipts.units_under_receipt`); `facts` are plain
    JSON values that name the field and the rule.
    """

    def __init__(self, key: str, **facts: Any) -> None:
        self.key = key
        self.facts = facts
        super().__init__(f"{key} {facts}" if facts else key)


class NotFound(TallyhouseError):
    """The thing does not exist, or the caller may not know that it does. HTTP 404."""


class Conflict(TallyhouseError):
    """The request is well formed but the present state forbids it. HTTP 409."""


class Forbidden(TallyhouseError):
    """The caller may not do this. HTTP 403."""


class Invalid(TallyhouseError):
    """The input breaks a rule; the facts name `field` and `rule`. HTTP 422."""


class Unavailable(TallyhouseError):
    """Something needed is away; trying again later may work. HTTP 503."""
