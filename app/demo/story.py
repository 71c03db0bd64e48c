"""The main job in six steps: people act over HTTP, the world over its devices, and each step is checked.

Nothing here touches the product but through its doors: the API, the live stream, and the wire of the devices.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from app.api_client import ApiClient, ApiProblem
from app.demo.listener import Listener
from app.demo.stock import INBOUND_SKU, kept_free
from kernel.clock import Clock
from kernel.gs1 import epc_from_giai
from kernel.layout import Layout, Slot, all_slots
from kernel.rng import Rng
from simulators.live import LiveSite
from simulators.protocols.pda.client import PdaClient
from simulators.world import actions
from simulators.world.state import LoadChanged, Pallet

ANNOUNCED, ON_BOARD, TAKEN = 12, 11, 3
"""The notice says twelve pallets, the truck brings eleven; three are driven to the gate without leave."""
PIECES_PER_PALLET, PIECE_G, WRAP_G = 30, 25_000, 22_000
FIRST_SERIAL = 500
BAY = 1
WITHIN_S = 120.0
POLL_S = 0.1


class StepResult(msgspec.Struct, kw_only=True):
    """What happened in one step: held or not, how long it took, and the facts."""

    number: int
    title: str
    held: bool
    seconds: float
    facts: dict[str, Any]
    error: str | None = None


class NotHeld(Exception):
    """A step did not end as it must; the facts say how it ended."""


class People(msgspec.Struct, frozen=True):
    """The signed-in people of the demonstration."""

    admin: ApiClient
    operator: ApiClient
    keeper: ApiClient
    borrower: ApiClient
    officer: ApiClient
    approver: ApiClient


class Story:
    """Runs the steps in order; later steps use what earlier ones made (`lot_id`, `receipt_id`, …)."""

    def __init__(
        self,
        site: LiveSite,
        layout: Layout,
        people: People,
        pda: PdaClient,
        listener: Listener,
        *,
        facility_id: str,
        owner_party_id: str,
        clock: Clock,
        rng: Rng,
        say: Callable[[str], None],
    ) -> None:
        self.site, self.layout, self.people, self.pda, self.listener = site, layout, people, pda, listener
        self.facility_id, self.owner = facility_id, owner_party_id
        self.clock, self.rng, self.say = clock, rng, say
        self.slots = {slot.slot_id: slot for slot in all_slots(layout)}
        self.pallets: list[Pallet] = []
        self.lot_id = self.receipt_id = self.loan_id = self.visit_vehicle_id = ""
        self.stands_in: dict[str, Slot] = {}
        self.figures: dict[str, float] = {}
        self._waiting_scans: list[tuple[str, str]] = []

    @property
    def site_path(self) -> str:
        return f"/sites/{self.layout.site_id}"

    async def run(self) -> list[StepResult]:
        """All six steps; a step that fails ends the story and the rest count as not held."""
        steps: list[tuple[str, Callable[[], Awaitable[dict[str, Any]]]]] = [
            ("the warehouse stands", self.warehouse_stands),
            ("a truck is received", self.truck_is_received),
            ("verified stock rises with what was seen", self.stock_is_verified),
            ("receipt, pledge and loan", self.loan_is_drawn),
            ("pledged pallets are driven to the gate", self.gate_stays_shut),
            ("loan repaid, goods leave, receipt cancelled", self.goods_leave),
        ]
        results: list[StepResult] = []
        for number, (title, act) in enumerate(steps, start=1):
            self.say(f"step {number}: {title}")
            result = await self._step(number, title, act)
            results.append(result)
            self.say(f"step {number}: {'held' if result.held else 'NOT HELD'} after {result.seconds:.1f} s")
            if not result.held:
                self.say(f"  {result.error}")
                break
        return results

    async def _step(
        self, number: int, title: str, act: Callable[[], Awaitable[dict[str, Any]]]
    ) -> StepResult:
        begun = self.clock.now()
        facts: dict[str, Any] = {}
        error = None
        try:
            facts = await act()
        except Exception as caught:  # noqa: BLE001  whatever stops a step is what the report must say
            error = f"{type(caught).__name__}: {caught}"
        seconds = (self.clock.now() - begun).total_seconds()
        return StepResult(
            number=number, title=title, held=error is None, seconds=seconds, facts=facts, error=error
        )

    async def until(
        self, ask: Callable[[], Awaitable[Any]], is_so: Callable[[Any], bool], what: str
    ) -> Any:
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
            raise NotHeld(f"{what}: not within {WITHIN_S:g} s; last seen {str(answer)[:400]}") from None

    # --- step 1 ----------------------------------------------------------------------------------

    async def warehouse_stands(self) -> dict[str, Any]:
        """2,000 pallets, two forklifts, people, a weighbridge and a gate with a barrier, live in the scene."""

        def complete(scene: dict[str, Any]) -> bool:
            kinds = [asset["kind"] for asset in scene["assets"] if asset["state"] == "live"]
            return (
                len(scene["units"]) >= 2_000
                and kinds.count("forklift") >= 2
                and kinds.count("person") >= 1
                and len(scene["barriers"]) >= 1
                and len(scene["weighbridges"]) >= 1
            )

        layout = await self.people.operator.get(f"{self.site_path}/layout")
        scene = await self.until(
            lambda: self.people.operator.get(f"{self.site_path}/scene"), complete, "a complete scene"
        )
        verified = sum(unit["evidence"] == "verified" for unit in scene["units"])
        if verified:
            raise NotHeld(f"{verified} pallets of the opening stock count as verified though nobody saw them")
        return {
            "pallets": len(scene["units"]),
            "racks": len(layout["racks"]),
            "assets": len(scene["assets"]),
            "verified": verified,
        }

    # --- step 2 ----------------------------------------------------------------------------------

    async def truck_is_received(self) -> dict[str, Any]:
        """Announced, let in, weighed, read, carried into slots, confirmed by scans, weighed out."""
        self.pallets = [self._inbound_pallet(number) for number in range(ON_BOARD)]
        delivery = await self._announce()
        self.lot_id = delivery["lot_id"]
        self.site.truck_appears("truck-a", 1, self.pallets)
        await self.site.weigh("truck-a", BAY)
        await self.site.drive("truck-a", "dock", BAY)
        await self._put_away()
        await self.site.weigh("truck-a", BAY)
        await self.site.leave("truck-a", BAY)
        received = await self.until(
            lambda: self._delivery(delivery["delivery_id"]),
            lambda row: row["units_put_away"] == ON_BOARD and row["net_g"] is not None,
            "the delivery is received and weighed",
        )
        return {
            "announced": ANNOUNCED,
            "put_away": received["units_put_away"],
            "units_seen": received["units_seen"],
            "net_g": received["net_g"],
            "true_net_g": sum(pallet.mass_g for pallet in self.pallets),
            "state": received["state"],
        }

    def _inbound_pallet(self, number: int) -> Pallet:
        pallet = actions.make_pallet(self.site.scenario, FIRST_SERIAL + number, "on:truck-a", self.rng)
        mass_g = PIECES_PER_PALLET * PIECE_G + WRAP_G + self.rng.integer(-8, 8) * 500
        return msgspec.structs.replace(pallet, mass_g=mass_g)

    async def _announce(self) -> dict[str, Any]:
        absent = actions.make_pallet(self.site.scenario, FIRST_SERIAL + ON_BOARD, "gone", self.rng)
        announced = [*self.pallets, absent]
        assert len(announced) == ANNOUNCED
        body = {
            "owner_party_id": self.owner,
            "lot_code": "CU-2026-0001",
            "sku": INBOUND_SKU,
            "vehicle": {"plate": "TEST-0001", "epc_hex": epc_from_giai(actions.COMPANY_PREFIX, 1)},
            "units": [
                {
                    "sscc": pallet.sscc,
                    "epc_hex": pallet.epc_hex,
                    "quantity_each": PIECES_PER_PALLET,
                    "expected_mass_g": PIECES_PER_PALLET * PIECE_G + WRAP_G,
                }
                for pallet in announced
            ],
        }
        answer: dict[str, Any] = await self.people.keeper.post(f"{self.site_path}/deliveries", body)
        return answer

    async def _delivery(self, delivery_id: str) -> dict[str, Any]:
        rows = await self.people.operator.items(f"{self.site_path}/deliveries")
        found: dict[str, Any] = next(row for row in rows if row["delivery_id"] == delivery_id)
        return found

    async def _open_tasks(self, kind: str) -> list[dict[str, Any]]:
        tasks = await self.people.operator.items(f"{self.site_path}/tasks", state="open")
        ours = {pallet.sscc for pallet in self.pallets}
        return [task for task in tasks if task["kind"] == kind and task["sscc"] in ours]

    async def _put_away(self) -> None:
        """Carry each pallet to the slot its task names, and scan it there once it stands."""
        with self._scanning() as scanner:
            given: set[str] = set()
            while len(given) < len(self.pallets):
                tasks = await self.until(
                    lambda: self._open_tasks("putaway"),
                    lambda rows: any(row["sscc"] not in given for row in rows),
                    f"putaway tasks ({len(given)} of {len(self.pallets)} so far)",
                )
                fresh = [task for task in tasks if task["sscc"] not in given]
                self.site.carry([self._store_job(task["sscc"], task["to_slot_id"]) for task in fresh])
                given |= {task["sscc"] for task in fresh}
            await scanner.scanned(len(self.pallets))

    def _store_job(self, sscc: str, slot_id: str) -> Any:
        self.stands_in[sscc] = self.slots[slot_id]
        return actions.store_job(sscc, self.layout, self.slots[slot_id], BAY)

    def _scanning(self) -> "Scanner":
        return Scanner(self.site, self.pda)
