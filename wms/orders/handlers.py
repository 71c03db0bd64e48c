"""Placing, importing and deciding on orders."""

from collections.abc import Sequence
from datetime import datetime

from identity import api as identity
from kernel.errors import Conflict, Invalid, NotFound
from kernel.tx import Row, Tx
from wms.catalogue.model import normal_sku
from wms.catalogue.store import known_skus
from wms.messages import (
    IMPORT_ROWS_MAX,
    DecideOrder,
    ImportedInvoice,
    ImportOrders,
    ImportResult,
    OrderLine,
    OrderPlaced,
    OrderRefused,
    OrderResult,
    OrderState,
    PlaceOrder,
)
from wms.orders import store
from wms.orders.model import (
    DESK,
    Draft,
    DraftLine,
    Known,
    Progress,
    Review,
    order_state,
    require_draft,
    review,
)
from wms.stock import store as stock
from wms.stock.handlers import require_site, sees_site

SOURCE_LENGTH_MAX = 120
REASON_LENGTH_MAX = 200


async def place_order(command: PlaceOrder, tx: Tx) -> OrderResult:
    """Enter and review an order. The same order under the same reference again changes nothing; another
    one is Conflict `orders.reference_taken`. Invalid `catalogue.unknown` for an item of no catalogue, and
    `orders.owner` when the owner is neither named nor clear from lot, units or stock."""
    await require_site(tx, command.site_id)
    lines, owners = await _resolve(tx, command.site_id, command.lines)
    draft = Draft(
        reference=command.reference.strip(), customer=command.customer.strip(), source=DESK, lines=lines
    )
    require_draft(draft)
    await _require_known(tx, lines)
    owner_party_id = await _owner(tx, command, owners, lines)
    kept = await _keep(tx, command.site_id, owner_party_id, DESK, [(draft, tx.now)])
    return kept[0][0]


async def _resolve(
    tx: Tx, site_id: str, lines: Sequence[OrderLine]
) -> tuple[tuple[DraftLine, ...], set[str]]:
    """Lines with the items and quantities of the units they name, and the owners of named lots and units."""
    units = await _units(tx, site_id, [unit_id for line in lines for unit_id in line.unit_ids])
    drafts, owners = [], set()
    for line_no, line in enumerate(lines, start=1):
        draft = DraftLine(
            line_no=line_no,
            sku=normal_sku(line.sku),
            quantity_each=line.quantity_each,
            lot_id=line.lot_id,
            unit_ids=tuple(sorted(set(line.unit_ids))),
        )
        if draft.unit_ids:
            chosen = [units[unit_id] for unit_id in draft.unit_ids]
            _require_alike(line_no, draft, chosen)
            owners |= {unit["owner_party_id"] for unit in chosen}
            draft = _with_quantity(draft, sum(unit["full_each"] for unit in chosen))
        if draft.lot_id is not None:
            lot = await stock.find_lot(tx, draft.lot_id)
            if lot is None or lot["site_id"] != site_id:
                raise NotFound("lots.unknown", lot_id=draft.lot_id)
            owners.add(lot["owner_party_id"])
        drafts.append(draft)
    return tuple(drafts), owners


def _with_quantity(line: DraftLine, quantity_each: int) -> DraftLine:
    return DraftLine(
        line_no=line.line_no,
        sku=line.sku,
        quantity_each=quantity_each,
        lot_id=line.lot_id,
        unit_ids=line.unit_ids,
    )


async def _units(tx: Tx, site_id: str, unit_ids: Sequence[str]) -> dict[str, Row]:
    """The named units with `full_each` as the books have it now (a part may be gone already)."""
    if not unit_ids:
        return {}
    units = await stock.units_by_id(tx, unit_ids)
    missing = sorted(unit_id for unit_id in unit_ids if units.get(unit_id, {}).get("site_id") != site_id)
    if missing:
        raise NotFound("stock.unit_unknown", unit_ids=missing)
    on_stock = dict.fromkeys(units, 0)
    for balance in await stock.lock_balances_of_units(tx, site_id, units):
        on_stock[balance.unit_id] += balance.quantity_each
    return {unit_id: {**unit, "full_each": on_stock[unit_id]} for unit_id, unit in units.items()}


def _require_alike(line_no: int, line: DraftLine, units: Sequence[Row]) -> None:
    if any(unit["sku"] != line.sku for unit in units):
        raise Invalid("orders.units", field=f"lines.{line_no - 1}.unit_ids", rule="units of the line's item")


async def _require_known(tx: Tx, lines: Sequence[DraftLine]) -> None:
    """At the desk a wrong item is a slip of the pen: nothing is kept, and the reference stays free."""
    known = await known_skus(tx, {line.sku for line in lines})
    for index, line in enumerate(lines):
        if line.sku not in known:
            raise Invalid(
                "catalogue.unknown", field=f"lines.{index}.sku", rule="in the catalogue", skus=[line.sku]
            )


async def _owner(tx: Tx, command: PlaceOrder, owners: set[str], lines: Sequence[DraftLine]) -> str:
    """The one owner whose goods are wanted."""
    if command.owner_party_id is not None:
        await identity.party_of(tx, command.owner_party_id)
        owners = owners | {command.owner_party_id}
    if not owners:
        owners = set(await store.owners_of_skus(tx, command.site_id, [line.sku for line in lines]))
    if len(owners) != 1:
        raise Invalid("orders.owner", field="owner_party_id", rule="one owner", owners=sorted(owners))
    return owners.pop()


async def import_orders(command: ImportOrders, tx: Tx) -> ImportResult:
    """Enter invoices of a file: every row ends in an order, flowing or refused with all its reasons."""
    await require_site(tx, command.site_id)
    await identity.party_of(tx, command.owner_party_id)
    rows = sum(len(invoice.rows) for invoice in command.invoices)
    _require_import(command, rows)
    drafts = [(_draft(invoice, command.source), invoice.placed_at) for invoice in command.invoices]
    for draft, _ in drafts:
        require_draft(draft)
    kept = await _keep(tx, command.site_id, command.owner_party_id, command.source, drafts)
    refused = sum(count for _, count in kept)
    return ImportResult(
        orders=tuple(order for order, _ in kept),
        rows=rows,
        flowing_rows=rows - refused,
        refused_rows=refused,
    )


def _require_import(command: ImportOrders, rows: int) -> None:
    if not 1 <= rows <= IMPORT_ROWS_MAX:
        raise Invalid("orders.import_size", field="invoices", rule=f"1 to {IMPORT_ROWS_MAX} rows")
    if not 1 <= len(command.source) <= SOURCE_LENGTH_MAX or command.source == DESK:
        raise Invalid(
            "orders.source", field="source", rule=f"1 to {SOURCE_LENGTH_MAX} characters, not {DESK!r}"
        )
    references = [invoice.reference.strip() for invoice in command.invoices]
    if len(set(references)) != len(references):
        raise Invalid("orders.reference_twice", field="invoices", rule="an invoice once in a command")


def _draft(invoice: ImportedInvoice, source: str) -> Draft:
    return Draft(
        reference=invoice.reference.strip(),
        customer=invoice.customer.strip(),
        source=source,
        lines=tuple(
            DraftLine(
                line_no=line_no,
                sku=normal_sku(row.sku),
                quantity_each=row.quantity_each,
                row_number=row.row_number,
                price_milli=row.price_milli,
                description=row.description,
            )
            for line_no, row in enumerate(invoice.rows, start=1)
        ),
    )


async def _keep(
    tx: Tx,
    site_id: str,
    owner_party_id: str,
    source: str,
    drafts: Sequence[tuple[Draft, datetime]],
) -> list[tuple[OrderResult, int]]:
    """Review and keep orders that are new; each with the number of its refused lines."""
    earlier = await store.known_orders(tx, site_id, source, [draft.reference for draft, _ in drafts])
    rules = await store.rules(tx)
    skus = await known_skus(tx, {line.sku for draft, _ in drafts for line in draft.lines})
    answers: list[tuple[OrderResult, int]] = []
    fresh: list[tuple[str, Draft, Review, datetime]] = []
    for draft, placed_at in drafts:
        reviewed = review(draft, rules, Known(skus))
        known = earlier.get(draft.reference)
        if known is not None and known["request_sha256"] != draft.digest():
            raise Conflict("orders.reference_taken", reference=draft.reference, order_id=known["order_id"])
        if known is None:
            known = {"order_id": tx.ids.new("order"), "state": reviewed.state}
            fresh.append((known["order_id"], draft, reviewed, placed_at))
        result = OrderResult(order_id=known["order_id"], state=known["state"])
        answers.append((result, len(reviewed.refused_lines)))
    await store.insert(tx, site_id, owner_party_id, fresh)
    for order_id, draft, reviewed, _ in fresh:
        _announce(tx, site_id, order_id, draft, reviewed)
    return answers


def _announce(tx: Tx, site_id: str, order_id: str, draft: Draft, reviewed: Review) -> None:
    if reviewed.state == "refused":
        keys = tuple(dict.fromkeys(reason.key for reason in reviewed.reasons))
        tx.emit(
            OrderRefused(
                site_id=site_id,
                order_id=order_id,
                reference=draft.reference,
                reason_keys=keys,
                refused_at=tx.now,
            )
        )
    else:
        tx.emit(
            OrderPlaced(
                site_id=site_id,
                order_id=order_id,
                reference=draft.reference,
                state=reviewed.state,
                placed_at=tx.now,
            )
        )


async def decide_order(command: DecideOrder, tx: Tx) -> OrderResult:
    """A person lets a held order flow, or refuses it. Conflict `orders.state` unless it is held."""
    order = await lock_order(tx, command.order_id)
    if order["state"] != "held":
        raise Conflict("orders.state", order_id=command.order_id, state=order["state"], wanted=["held"])
    require_reason(command.reason)
    if not command.accept:
        await store.withdraw(tx, command.order_id, command.reason)
    state = "received" if command.accept else "refused"
    await store.set_states(tx, {command.order_id: state})
    return OrderResult(order_id=command.order_id, state="received" if command.accept else "refused")


async def lock_order(tx: Tx, order_id: str) -> Row:
    """The order, locked; NotFound `orders.unknown` also when the caller may not see its site."""
    locked = await store.lock(tx, [order_id])
    if not locked or not await sees_site(tx, locked[0]["site_id"]):
        raise NotFound("orders.unknown", order_id=order_id)
    return locked[0]


def require_reason(reason: str) -> None:
    if not 1 <= len(reason.strip()) <= REASON_LENGTH_MAX:
        raise Invalid("orders.reason", field="reason", rule=f"1 to {REASON_LENGTH_MAX} characters")


async def refresh_states(tx: Tx, order_ids: Sequence[str]) -> dict[str, OrderState]:
    """Set the states of locked orders from their lines; returns them."""
    lines: dict[str, list[Progress]] = {}
    for row in await store.flowing_lines(tx, order_ids):
        progress = Progress(
            row["quantity_each"], row["reserved_each"], row["picked_each"], row["shipped_each"]
        )
        lines.setdefault(row["order_id"], []).append(progress)
    states: dict[str, OrderState] = {order_id: order_state(progress) for order_id, progress in lines.items()}
    await store.set_states(tx, states)
    return states
