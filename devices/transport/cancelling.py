"""A cancellation that a library loses. `asyncio.wait_for` of Python 3.11 drops one that comes in the same
moment as what it waits for; whoever waits through such a library would go on for ever."""

import asyncio


def heed_cancellation() -> None:
    """Raise CancelledError if the running task was asked to end and was not told."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
