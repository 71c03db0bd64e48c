"""What the steps of the demonstration share: the world, its people, what earlier steps made, and waiting."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from app.api_client import ApiClient
from app.demo.listener import Listener
from app.demo.words import Words
from kernel.clock import Clock
from kernel.layout import Layout, Slot, all_slots
from kernel.rng import Rng
from simulators.live import LiveSite
from simulators.protocols.pda.server import Handheld
from simulators.world.actions import Scenario
from simulators.world.state import LoadChanged, Pallet

WITHIN_S = 180.0
POLL_S = 0.1
MISSED_AFTER_S = 3.0
"""So long after docking what the twin has not seen come in was missed by the portal."""


class NotHeld(Exception):
    """A step did not end as it must; the message says how it ended."""


class People(msgspec.Struct, frozen=True):
    """The signed-in people of the demonstration, by role."""

    operator: ApiClient
    keeper: ApiClient
    borrower: ApiClient
    officer: ApiClient
    approver: ApiClient


class Made(msgspec.Struct):
    """What the steps have made so far; later steps lean on it."""

    pallets: list[Pallet] = []
    unit_ids: list[str] = []
    stands_in: dict[str, Slot] = {}
    """SSCC to the slot where the pallet was put away."""
    lot_id: str = ""
    delivery_id: str = ""
    receipt_id: str = ""
    loan_id: str = ""
    order_id: str = ""
    pickup_vehicle_id: str = ""
    whole_pallets: dict[str, list[str]] = {}


class Stage:
    """One site with everything the steps need."""

    def __init__(
        self,
        site: LiveSite,
        scenario: Scenario,
        layout: Layout,
        people: People,
        handheld: Handheld,
        listener: Listener,
        *,
        facility_id: str,
        owner_party_id: str,
        words: Words,
        clock: Clock,
        rng: Rng,
        say: Callable[[str], None],
        linger_s: float,
    ) -> None:
        self.site, self.scenario, self.layout = site, scenario, layout
        self.people, self.handheld, self.listener = people, handheld, listener
        self.facility_id, self.owner_party_id = facility_id, owner_party_id
        self.words = words
        self.clock, self.rng, self.say = clock, rng, say
        self.linger_s = linger_s
        """How long the truck stays before the shut barrier for people to look; 0 when nobody watches."""
        self.slots = {slot.slot_id: slot for slot in all_slots(layout)}
        self.path = f"/sites/{layout.site_id}"
        self.made = Made()
        self.figures: dict[str, float] = {}
        """Measured figures by check name, for the report."""

    async def until(self, ask: Callable[[], Awaitable[Any]], is_so: Callable[[Any], bool], what: str) -> Any:
        """Ask until the answer is so; raises NotHeld with the last answer."""
        answer: Any = None
        try:
            async with asyncio.timeout(WITHIN_S):
                while True:
                    answer = await ask()
                    if is_so(answer):
                        return answer
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise NotHeld(f"{what}: not within {WITHIN_S:g} s; last seen {str(answer)[:600]}") from None

    async def open_tasks(self, kind: str) -> list[dict[str, Any]]:
        """Open tasks of a kind for the pallets of this story."""
        tasks = await self.people.operator.items(f"{self.path}/tasks", state="open")
        ours = {pallet.sscc for pallet in self.made.pallets}
        return [task for task in tasks if task["kind"] == kind and task["sscc"] in ours]

    async def lot(self) -> dict[str, Any]:
        lots = await self.people.operator.items(f"{self.path}/lots")
        found: dict[str, Any] = next(row for row in lots if row["lot_id"] == self.made.lot_id)
        return found

    async def facility(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.people.officer.get(f"/facilities/{self.facility_id}")
        return found


async def scan(stage: Stage, sscc: str, slot_id: str, task_id: str | None = None) -> None:
    """Scan a pallet where it stands; raises NotHeld when the product does not take the scan as work done."""
    result = await stage.handheld.scan(sscc, slot_id, task_id=task_id)
    if result["outcome"] != "done":
        raise NotHeld(f"scan of {sscc} in {slot_id}: {result}")


class Placed:
    """Collects what forklifts set down while the block runs: `async for sscc in placed.each(count)`."""

    def __init__(self, site: LiveSite) -> None:
        self._site = site
        self._queue: asyncio.Queue[str] = asyncio.Queue()

    def __enter__(self) -> "Placed":
        self._site.on_load_change = self._note
        return self

    def __exit__(self, *_: object) -> None:
        self._site.on_load_change = lambda _: None

    def _note(self, changed: LoadChanged) -> None:
        if changed.action == "set_down":
            self._queue.put_nowait(changed.sscc)

    async def next(self) -> str:
        """The SSCC of the next pallet set down."""
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._queue.get()
        except TimeoutError:
            raise NotHeld(f"no pallet was set down within {WITHIN_S:g} s") from None
