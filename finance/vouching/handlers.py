"""Asks the registry of devices what the bank of a facility vouches for."""

from devices.api import unvouched_devices
from finance.facilities.model import Facility
from finance.vouching import model
from kernel.tx import Tx


async def require_own_look(tx: Tx, facility: Facility) -> None:
    """Conflict while a device of the site is evidence, and not by the acceptance of the facility's bank."""
    unvouched = await unvouched_devices(tx, facility.site_id, facility.bank_party_id)
    is_bank = tx.caller.party_id == facility.bank_party_id
    model.require_own_look(facility.facility_id, unvouched, is_bank)
