"""Cursors of lists that are paged by a number of the journal they show."""

from kernel.errors import Invalid

DIGITS_MAX = 18
"""As many as any 64-bit number may have."""


def number_cursor(cursor: str | None) -> int | None:
    """The number in a cursor. Raises Invalid `request.cursor` for anything that no page gave."""
    if cursor is not None and not (cursor.isdecimal() and len(cursor) <= DIGITS_MAX):
        raise Invalid("request.cursor", field="cursor", rule="what the last page gave")
    return None if cursor is None else int(cursor)
