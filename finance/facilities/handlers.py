"""Opening a facility, and the lock under which others change it."""

import msgspec

from finance.facilities import model, store
from finance.facilities.model import Facility
from finance.ledger.handlers import open_accounts, open_books
from finance.ledger.model import facility_accounts
from finance.messages import FacilityOpened, OpenFacility
from identity.api import grant_access, parties_of, party_of
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.tx import ReadTx, Tx
from twin.api import layout_of


class FacilityAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a command on a facility leaves: where to read it."""

    facility_id: str


async def open_facility(command: OpenFacility, tx: Tx) -> FacilityAnswer:
    """Open a line, its accounts and the bank's books. Forbidden for a caller that is not a bank."""
    model.require_amount(command.limit_fen, "limit_fen")
    model.require_currency(command.currency)
    model.ratio(command.rate, "rate", most=model.RATE_MAX)
    model.require_rule(command.rule)
    bank = await party_of(tx, tx.caller.party_id)
    borrower = await party_of(tx, command.borrower_party_id)
    if bank.kind != "bank":
        raise Forbidden("facility.not_a_bank", party_id=bank.party_id)
    if borrower.kind != "owner":
        raise Conflict("facility.not_a_borrower", borrower_party_id=borrower.party_id)
    if not await parties_of(tx, command.site_id):
        raise NotFound("facility.site_unknown", site_id=command.site_id)
    facility_id = command.facility_id or tx.ids.new("facility")
    await _insert(tx, facility_id, command)
    return FacilityAnswer(facility_id=facility_id)


async def _insert(tx: Tx, facility_id: str, command: OpenFacility) -> None:
    bank_party_id = tx.caller.party_id
    layout = await layout_of(tx, command.site_id)
    row = {
        **msgspec.to_builtins(command),
        "facility_id": facility_id,
        "bank_party_id": bank_party_id,
        "site_name_en": layout.name_en,
        "site_name_zh": layout.name_zh,
    }
    if not await store.insert(tx, row):
        raise Conflict("facility.exists", field="facility_id", rule="a facility is opened once")
    await open_books(tx, bank_party_id, command.currency)
    accounts = facility_accounts(bank_party_id, command.borrower_party_id, facility_id, command.currency)
    await open_accounts(tx, accounts)
    for party_id in (bank_party_id, command.borrower_party_id):
        await grant_access(tx, party_id, facility_id, cause="facility")
    await store.append(tx, facility_id, "opened", {"limit_fen": command.limit_fen, "rate": command.rate})
    tx.emit(
        FacilityOpened(
            site_id=command.site_id,
            facility_id=facility_id,
            bank_party_id=bank_party_id,
            borrower_party_id=command.borrower_party_id,
            limit_fen=command.limit_fen,
            opened_at=tx.now,
        )
    )


async def lock_facility(tx: Tx, facility_id: str) -> Facility:
    """The facility, locked. NotFound when there is none."""
    facility = await store.lock(tx, facility_id)
    if facility is None:
        raise NotFound("facility.unknown", facility_id=facility_id)
    return facility


async def find_facility(read: ReadTx, facility_id: str) -> Facility:
    """The facility as it stands, not locked. NotFound when there is none."""
    facility = await store.find(read, facility_id)
    if facility is None:
        raise NotFound("facility.unknown", facility_id=facility_id)
    return facility


def require_bank(facility: Facility, tx: Tx) -> None:
    """Another bank's facility does not exist for the caller."""
    if facility.bank_party_id != tx.caller.party_id:
        raise NotFound("facility.unknown", facility_id=facility.facility_id)


def require_party(facility: Facility, tx: Tx) -> None:
    """A facility exists for its bank and its borrower only."""
    if tx.caller.party_id not in (facility.bank_party_id, facility.borrower_party_id):
        raise NotFound("facility.unknown", facility_id=facility.facility_id)
