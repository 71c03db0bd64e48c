"""Pure rule: a bank lends on the word of devices that it accepted itself."""

from collections.abc import Sequence

from devices.messages import Unvouched
from kernel.errors import Conflict

DEVICES_SHOWN_MAX = 20


def require_own_look(facility_id: str, unvouched: Sequence[Unvouched], is_bank: bool) -> None:
    """Refuse, by Conflict, to move money on the word of devices that others accepted and the bank did not.

    `unvouched` are those that the bank does not vouch for. Who accepted them is told to the bank alone: the
    borrower (`is_bank` false) learns only which devices its bank has to look at.
    """
    against = [device for device in unvouched if device.is_evidence]
    if not against:
        return
    facts = {
        "facility_id": facility_id,
        "device_ids": [device.device_id for device in against[:DEVICES_SHOWN_MAX]],
        "count": len(against),
    }
    if is_bank:
        names = sorted({name for device in against for name in device.accepted_by})
        raise Conflict("facility.devices_not_accepted", accepted_by=names, **facts)
    raise Conflict("facility.devices_not_looked_at", **facts)
