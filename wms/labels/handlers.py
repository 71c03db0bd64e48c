"""Ordering a pallet's label."""

from devices import api as devices
from kernel.errors import Invalid, NotFound
from kernel.tx import Tx
from wms.labels import store
from wms.messages import LabelOrdered, PrintPalletLabel
from wms.stock.handlers import sees_site
from wms.stock.model import mass_share_g

ACTION = "print_label"
REASON_LENGTH_MIN = 3
REASON_LENGTH_MAX = 200
NAME_LENGTH_MAX = 255


async def print_pallet_label(command: PrintPalletLabel, tx: Tx) -> LabelOrdered:
    """Queue the order. The first label of a pallet needs no reason; every other one does, and says COPY.

    Raises NotFound for a pallet or printer that the caller may not see or that are not of one site, Invalid
    with field and rule for a device that prints no labels, and for a missing reason.
    """
    pallet = await store.pallet(tx, command.unit_id)
    if pallet is None or not await sees_site(tx, pallet["site_id"]):
        raise NotFound("stock.unit_unknown", unit_ids=[command.unit_id])
    printer = await devices.place_of_device(tx, command.device_id, ACTION)
    if printer.site_id != pallet["site_id"]:
        raise NotFound("devices.unknown", device_id=command.device_id)
    reason = command.reason.strip()
    is_copy = await devices.was_ordered(tx, command.unit_id, ACTION)
    if len(reason) > REASON_LENGTH_MAX or (is_copy and len(reason) < REASON_LENGTH_MIN):
        rule = f"{REASON_LENGTH_MIN} to {REASON_LENGTH_MAX} characters for a further label"
        raise Invalid("labels.reason", field="reason", rule=rule)
    content = {
        "sscc": pallet["sscc"],
        "name_en": pallet["name_en"][:NAME_LENGTH_MAX],
        "name_zh": pallet["name_zh"][:NAME_LENGTH_MAX],
        "sku": pallet["sku"],
        "lot": pallet["lot"],
        "quantity_each": pallet["quantity_each"],
        "mass_g": mass_share_g(pallet["full_mass_g"], pallet["full_each"], pallet["quantity_each"]),
        "is_copy": is_copy,
    }
    cause = f"manual: {reason}" if reason else "first label"
    command_id = await devices.queue_order(
        tx, command.device_id, ACTION, cause, content, ref_id=command.unit_id
    )
    return LabelOrdered(command_id=command_id, is_copy=is_copy)
