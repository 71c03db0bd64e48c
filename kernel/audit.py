"""What an audit finds: a place where a journal, re-added from zero, disagrees with its balance."""

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One disagreement. `rule` says what should hold; `expected` and `actual` are the two figures."""

    journal: str
    subject: str
    rule: str
    expected: str
    actual: str


class JournalAudit(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one journal: how many entries were re-added and what disagreed."""

    journal: str
    entries: int
    findings: list[Finding]
