"""Orders as the edge hands them to a driver."""

from datetime import UTC, datetime
from typing import Any

from devices.transport.orders import Order

FAR = datetime(2999, 1, 1, tzinfo=UTC)


def order(
    action: str, *, valid_until: datetime = FAR, command_id: str = "command-1", **parameters: Any
) -> Order:
    """An order that is valid for as long as any test goes on, unless it says otherwise."""
    return Order(command_id=command_id, action=action, valid_until=valid_until, parameters=parameters)
