"""A signal's lamps behind a module of outputs. Sans-I/O."""


class Lamps:
    """Outputs that hold what was written, and lamps that light when they are whole."""

    def __init__(self, count: int = 2) -> None:
        self.outputs = [False] * count
        self.broken: set[int] = set()
        """Lamps that give no light whatever their output holds, from 0."""

    def write(self, first: int, values: list[bool]) -> None:
        self.outputs[first : first + len(values)] = values

    @property
    def lit(self) -> list[bool]:
        """The sensed current of each lamp."""
        return [output and place not in self.broken for place, output in enumerate(self.outputs)]
