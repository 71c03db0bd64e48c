"""The main job in six steps: people act over HTTP, the world over its devices, and each step is checked.

Nothing here touches the product but through its doors: the API, the live stream, and the wire of the devices.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from app.demo.gate import gate_stays_shut, goods_leave
from app.demo.inbound import stock_is_verified, truck_is_received, warehouse_stands
from app.demo.lending import loan_is_drawn
from app.demo.stage import Stage

Act = Callable[[Stage], Awaitable[dict[str, Any]]]

STEPS: tuple[tuple[str, Act], ...] = (
    ("the warehouse stands", warehouse_stands),
    ("a truck is received", truck_is_received),
    ("verified stock rises with what was seen", stock_is_verified),
    ("receipt, pledge and loan", loan_is_drawn),
    ("pledged pallets are driven to the gate: it stays shut", gate_stays_shut),
    ("loan repaid, the pallets leave, the receipt is cancelled", goods_leave),
)


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in one step: whether it held, how long it took, the facts."""

    number: int
    title: str
    held: bool
    seconds: float
    facts: dict[str, Any]
    error: str | None = None


async def run_story(stage: Stage) -> list[StepResult]:
    """All steps in order. A step that fails ends the story; the ones after it are not held."""
    results: list[StepResult] = []
    for number, (title, act) in enumerate(STEPS, start=1):
        result = await run_step(stage, number, title, act)
        results.append(result)
        if not result.held:
            break
    return results


async def run_step(stage: Stage, number: int, title: str, act: Act) -> StepResult:
    """Act and say how it went; whatever stops the step becomes its error."""
    stage.say(f"step {number}: {title} …")
    begun = stage.clock.now()
    facts: dict[str, Any] = {}
    error = None
    try:
        facts = await act(stage)
    except Exception as caught:  # noqa: BLE001
        error = f"{type(caught).__name__}: {caught}"
    seconds = (stage.clock.now() - begun).total_seconds()
    stage.say(
        f"step {number}: {'NOT HELD' if error else 'held'} after {seconds:.1f} s {error or ''}".rstrip()
    )
    return StepResult(
        number=number, title=title, held=error is None, seconds=seconds, facts=facts, error=error
    )
