"""What people enter for the warehouse of a live scenario: its stock, and the trucks that are to come.

Each lot is an item of its own, in pieces of a kilogram. Nothing of it is evidence; without it the product
knows no pallet of the site. What is to leave, and papers of finance, are not entered.
"""

from http import HTTPStatus

from app.api_client import ApiClient, ApiProblem
from app.simulate.site import SimulatedSite
from kernel.gs1 import epc_from_giai, epc_from_sscc
from simulators.sites.warehouse import COMPANY_PREFIX, Codes, Paper, lot_name

ROWS_A_REQUEST = 1_000
INCOMING_SKU = "SIM-INCOMING"
PIECE_G, PALLET_G = 1_000, 22_000


class Office:
    """Enters things for one site, as the keeper's person who is signed in."""

    def __init__(self, keeper: ApiClient, site_id: str) -> None:
        self._keeper = keeper
        self._path = f"/sites/{site_id}"
        self._owner: str = keeper.session["party"]["party_id"]
        self._trucks: dict[str, int] = {}

    async def stock(self, site: SimulatedSite) -> int:
        """Enter the pallets that stand in the racks now; returns how many. Stock that an earlier run entered
        is left as it is, and 0 returned."""
        pallets, codes, slots = site.world.pallets, Codes(), site.slot_ids
        rows = [
            {
                "sscc": codes.sscc(n),
                "epc_hex": codes.epc(n),
                "sku": _sku(lot_name(int(pallets.lot[n]))),
                "lot": lot_name(int(pallets.lot[n])),
                **_amount(int(pallets.stated_g[n]), "mass_g"),
                "slot_id": slots[int(pallets.place[n])],
                "owner_party_id": self._owner,
            }
            for n in range(pallets.count)
            if pallets.place[n] >= 0
        ]
        await self._items({str(row["sku"]) for row in rows})
        for start in range(0, len(rows), ROWS_A_REQUEST):
            try:
                await self._keeper.post(
                    f"{self._path}/opening-stock", {"rows": rows[start : start + ROWS_A_REQUEST]}
                )
            except ApiProblem as problem:
                if start == 0 and problem.status in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
                    return 0
                raise
        return len(rows)

    async def _items(self, skus: set[str]) -> None:
        items = [{"sku": sku, "name_en": sku, "name_zh": sku, "unit_mass_g": PIECE_G} for sku in sorted(skus)]
        for start in range(0, len(items), ROWS_A_REQUEST):
            await self._keeper.post("/skus", {"items": items[start : start + ROWS_A_REQUEST]})

    async def announce(self, paper: Paper) -> bool:
        """Enter what a truck is to bring: one delivery, and so one lot, whatever lots the world has on it.
        False for what is not entered: a departure, or a truck that an earlier run announced."""
        if paper.direction != "in":
            return False
        await self._items({INCOMING_SKU})
        body = {
            "owner_party_id": self._owner,
            "lot_code": f"IN-{paper.ssccs[0]}",
            "sku": INCOMING_SKU,
            "vehicle": {"plate": paper.plate, "epc_hex": self._truck(paper.plate)},
            "units": [
                {
                    "sscc": sscc,
                    "epc_hex": epc_from_sscc(sscc, len(COMPANY_PREFIX)),
                    **_amount(paper.stated_g[sscc], "expected_mass_g"),
                }
                for sscc in paper.ssccs
            ],
        }
        try:
            await self._keeper.post(f"{self._path}/deliveries", body)
        except ApiProblem as problem:
            if problem.status == HTTPStatus.CONFLICT:
                return False
            raise
        return True

    def _truck(self, plate: str) -> str:
        number = self._trucks.setdefault(plate, len(self._trucks) + 1)
        return epc_from_giai(COMPANY_PREFIX, number)


def _sku(lot: str) -> str:
    return f"SIM-{lot}"


def _amount(stated_g: int, field: str) -> dict[str, int]:
    """As many pieces as a pallet of that mass can carry."""
    return {"quantity_each": max(1, (stated_g - PALLET_G) // PIECE_G), field: stated_g}
