"""What every codec raises when bytes break a rule. Pure."""


class FieldRejected(ValueError):
    """A field of a message breaks a rule. Its driver turns this into a quarantine entry."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule
