"""Enrolling and retiring devices, and the one-time codes of handhelds."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from devices.families import FAMILIES
from devices.messages import (
    AcceptanceEnded,
    AcceptDevice,
    CalibrateDevice,
    DeviceAccepted,
    DistrustDevice,
    EnrolDevice,
    EnrolHandheld,
    EnrolmentCodeIssued,
    InviteInspector,
    IssueEnrolmentCode,
    RetireDevice,
    RotateDeviceKey,
    SetSiteBounds,
)
from devices.registry import store
from devices.registry.model import (
    CODE_LENGTH_MIN,
    ENROLMENT_CODE_LASTS,
    REASON_LENGTH_MAX,
    Refusal,
    check_acceptance,
    check_calibration,
    check_enrolment,
    check_secret,
    inspection_of,
)
from devices.registry.store import EdgeDevice
from devices.registry.terminals import is_name_taken
from identity.api import grant_access, party_of
from identity.http import DeviceIdentity
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.messages import DevicePlaced, DeviceRetired
from kernel.tx import ReadTx, Row, Tx

PRODUCT_PARTY = "product"
DEVICES_SHOWN_MAX = 10
BOOTS_RESERVED = 1_000
"""Starts of a driver in one run of the edge; a driver that needs more has a fault that a person must see."""


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """A device was admitted."""

    device_id: str
    site_id: str


class Accepted(Enrolled, frozen=True, kw_only=True):
    """A device was accepted; `has_credential` when it has a new one: from its first acceptance alone.

    `key_held_by` names the other party that made the one it has: it can make the device say anything.
    """

    has_credential: bool
    key_held_by: str | None


class EnrolmentCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code was issued; the code itself is known to whoever asked for it."""

    device_id: str
    site_id: str
    expires_at: datetime


async def enrol_device(command: EnrolDevice, tx: Tx) -> Enrolled:
    """Admit a device, or replace the place, connection and credential of one that is there.

    Either way it waits for another party's acceptance. Raises NotFound when the caller may not see the site,
    Invalid with field and rule, and Conflict when the id belongs to another site or family, or the mount to
    another device.
    """
    await require_site(tx, command.site_id)
    _refuse(check_enrolment(command))
    known = await store.device(tx, command.device_id)
    if known is not None and (known["site_id"], known["family"]) != (command.site_id, command.family):
        raise Conflict("devices.id_taken", field="device_id", rule="not used by another site or family")
    await _refuse_second_terminal(command, tx)
    if command.mount_id is not None and await store.is_mount_taken(tx, command):
        raise Conflict("devices.mount_taken", field="mount_id", rule="not used by another device")
    if known is not None:
        await store.end_acceptances(tx, command.device_id, "enrolled")
    enrolment = await store.save_device(tx, command)
    facts = {"family": command.family, "mount_id": command.mount_id, "connection": dict(command.connection)}
    await store.note(tx, command.site_id, command.device_id, enrolment, "enrolled", facts)
    if known is not None and known["accepted_at"] is not None:
        _tell_ended(tx, known, command.device_id, "enrolled")
    if command.mount_id is not None:
        tx.emit(
            DevicePlaced(
                site_id=command.site_id,
                device_id=command.device_id,
                family=command.family,
                mount_id=command.mount_id,
                placed_at=tx.now,
            )
        )
    return Enrolled(device_id=command.device_id, site_id=command.site_id)


async def _refuse_second_terminal(command: EnrolDevice, tx: Tx) -> None:
    """Two devices whose terminals call themselves the same could not be told apart."""
    family = FAMILIES[command.family]
    name = family.terminal_name(command.connection)
    if name is not None and await is_name_taken(tx, command.family, name, command.device_id):
        field = f"connection.{family.identity}"
        raise Conflict("devices.terminal_taken", field=field, rule="not used by another device")


async def invite_inspector(command: InviteInspector, tx: Tx) -> None:
    """Let a bank look at the site's devices. Raises NotFound, and Invalid when the party is no bank."""
    await require_site(tx, command.site_id)
    if (await party_of(tx, command.party_id)).kind != "bank":
        raise Invalid("devices.inspector", field="party_id", rule="a bank")
    await grant_access(tx, command.party_id, inspection_of(command.site_id), cause="invited to inspect")


async def accept_device(command: AcceptDevice, tx: Tx) -> Accepted:
    """Vouch for the device in the caller's party's name: its money rests on nothing that it did not look at.

    The first acceptance makes its readings evidence from now on, and gives it a credential that its enroller
    never saw. A later one by another party leaves the credential as it is: with it, that party could make
    the device say anything to the first.

    Raises NotFound when the caller may not see its site; Forbidden for the party that enrolled it; Conflict
    when it is retired, accepted by the caller's party already, or enrolled anew since the caller looked;
    Invalid with field and rule.
    """
    known = await _require_inspected(tx, command.device_id)
    _refuse(check_acceptance(known["family"], command.secret), "devices.acceptance")
    if tx.caller.party_id == known["enrolled_party_id"]:
        raise Forbidden("devices.own_enrolment", rule="accepted by another party than enrolled it")
    if known["retired_at"] is not None:
        raise Conflict("devices.retired", field="device_id", rule="in service")
    if known["enrolment"] != command.enrolment:
        raise Conflict("devices.enrolled_anew", field="enrolment", rule="the device's latest enrolment")
    if await store.is_accepted_by(tx, command.device_id, tx.caller.party_id):
        raise Conflict("devices.accepted_already", field="device_id", rule="waiting for acceptance")
    await store.accept(tx, known, command.device_id, command.secret)
    await store.note(tx, known["site_id"], command.device_id, known["enrolment"], "accepted")
    accepted = DeviceAccepted(
        site_id=known["site_id"],
        device_id=command.device_id,
        enrolment=command.enrolment,
        party_id=tx.caller.party_id,
        accepted_at=tx.now,
    )
    tx.emit(accepted)
    has_credential = known["accepted_at"] is None and FAMILIES[known["family"]].reach == "broker"
    is_own_key = known["key_party_id"] == tx.caller.party_id
    return Accepted(
        device_id=command.device_id,
        site_id=known["site_id"],
        has_credential=has_credential,
        key_held_by=None if has_credential or is_own_key else known["key_party"],
    )


async def rotate_device_key(command: RotateDeviceKey, tx: Tx) -> Enrolled:
    """Replace the credential of an accepted device. The acceptance of the caller's party stands, for it alone
    knows the new one; any other party looks again, for what has the new one may be another device.

    Raises NotFound when the caller may not see the site; Forbidden for any party but the first of those whose
    acceptance stands; Conflict when it is retired; Invalid when its family has no credential or the secret
    breaks a rule.
    """
    known = await _require_inspected(tx, command.device_id)
    if FAMILIES[known["family"]].reach != "broker":
        raise Invalid("devices.rekeying", field="device_id", rule="a device that has a credential")
    _refuse(check_secret(command.secret), "devices.rekeying")
    if known["retired_at"] is not None:
        raise Conflict("devices.retired", field="device_id", rule="in service")
    if known["accepted_party_id"] != tx.caller.party_id:
        raise Forbidden("devices.not_accepted_by_you", rule="rotated by the party that accepted it first")
    await store.rekey(tx, known, command.device_id, command.secret)
    await store.end_other_acceptances(tx, command.device_id, "rekeyed")
    await store.note(tx, known["site_id"], command.device_id, known["enrolment"], "rekeyed")
    return Enrolled(device_id=command.device_id, site_id=known["site_id"])


async def calibrate_device(command: CalibrateDevice, tx: Tx) -> str:
    """Enter a certificate; returns its id. Raises NotFound, and Invalid with field and rule."""
    known = await _require_device(tx, command.device_id)
    _refuse(check_calibration(command, tx.now.date()), "devices.calibration")
    calibration_id = await store.insert_calibration(tx, known["site_id"], command)
    facts = {"certificate": command.certificate, "valid_until": command.valid_until.isoformat()}
    await store.note(tx, known["site_id"], command.device_id, known["enrolment"], "calibrated", facts)
    return calibration_id


async def distrust_device(command: DistrustDevice, tx: Tx) -> None:
    """End the acceptance of the caller's party; ending it twice changes nothing, nor does it end another's.

    Raises NotFound, Invalid for the reason, and Forbidden for the party that enrolled the device.
    """
    reason = command.reason.strip()
    if not 1 <= len(reason) <= REASON_LENGTH_MAX:
        raise Invalid("devices.distrust_reason", field="reason", rule=f"1 to {REASON_LENGTH_MAX} characters")
    known = await _require_inspected(tx, command.device_id)
    if tx.caller.party_id == known["enrolled_party_id"]:
        raise Forbidden("devices.own_enrolment", rule="judged by another party than enrolled it")
    if await store.is_accepted_by(tx, command.device_id, tx.caller.party_id):
        is_accepted = await store.end_acceptances(tx, command.device_id, "distrusted", tx.caller.party_id)
        facts = {"cause": "distrusted", "reason": reason}
        await store.note(tx, known["site_id"], command.device_id, known["enrolment"], "distrusted", facts)
        if not is_accepted:
            _tell_ended(tx, known, command.device_id, "distrusted")


async def end_acceptances(tx: Tx, site_id: str, mount_ids: Collection[str]) -> None:
    """The places of the devices on these mounts are others than those that were accepted."""
    for device_id in await store.accepted_at_mounts(tx, site_id, mount_ids):
        known = await store.device(tx, device_id)
        assert known is not None
        await store.end_acceptances(tx, device_id, "layout")
        await store.note(tx, site_id, device_id, known["enrolment"], "lapsed", {"cause": "layout"})
        _tell_ended(tx, known, device_id, "layout")


async def accepted_mounts(read: ReadTx, site_id: str, mount_ids: Collection[str]) -> frozenset[str]:
    """Those of these mounts whose device in service is accepted."""
    return frozenset((await store.accepted_at_mounts(read, site_id, mount_ids)).values())


async def refuse_mounts_in_use(read: ReadTx, site_id: str, mount_ids: Collection[str]) -> None:
    """Conflict `devices.mounts_in_use` when a device in service hangs on one of these mounts, which are to
    go."""
    device_ids = await store.in_service_at_mounts(read, site_id, mount_ids)
    if device_ids:
        raise Conflict(
            "devices.mounts_in_use",
            field="layout.mounts",
            rule="with every mount of a device in service",
            device_ids=device_ids[:DEVICES_SHOWN_MAX],
            count=len(device_ids),
        )


def _tell_ended(tx: Tx, known: Row, device_id: str, cause: str) -> None:
    tx.emit(AcceptanceEnded(site_id=known["site_id"], device_id=device_id, cause=cause, ended_at=tx.now))


async def _require_device(tx: Tx, device_id: str) -> Row:
    known = await store.device(tx, device_id)
    if known is None or not await sees_site(tx, known["site_id"]):
        raise NotFound("devices.unknown", device_id=device_id)
    return known


async def _require_inspected(tx: Tx, device_id: str) -> Row:
    known = await store.device(tx, device_id)
    if known is not None and await inspects_site(tx, known["site_id"]):
        return known
    raise NotFound("devices.unknown", device_id=device_id)


async def retire_device(command: RetireDevice, tx: Tx) -> None:
    """End a device's credential; retiring it twice changes nothing."""
    known = await _require_device(tx, command.device_id)
    if known["retired_at"] is None:
        await store.retire(tx, command.device_id, known["site_id"])
        await store.note(tx, known["site_id"], command.device_id, known["enrolment"], "retired")
        tx.emit(DeviceRetired(site_id=known["site_id"], device_id=command.device_id, retired_at=tx.now))


async def set_site_bounds(command: SetSiteBounds, tx: Tx) -> None:
    """Keep how far the site reaches."""
    await require_site(tx, command.site_id)
    for field in ("width_mm", "length_mm", "height_mm"):
        if not 0 < getattr(command, field) <= 1_000_000_000:
            raise Invalid("devices.bounds", field=field, rule="1 to 1000000000")
    await store.save_site(tx, command.site_id, command.width_mm, command.length_mm, command.height_mm)


async def issue_enrolment_code(command: IssueEnrolmentCode, tx: Tx) -> EnrolmentCode:
    """Keep the digest of a one-time code for `ENROLMENT_CODE_LASTS`."""
    await require_site(tx, command.site_id)
    _refuse(check_secret(command.secret, CODE_LENGTH_MIN))
    device_id = command.device_id or tx.ids.new("pda")
    expires_at = tx.now + ENROLMENT_CODE_LASTS
    await store.insert_code(tx, command.secret, command.site_id, device_id, expires_at)
    tx.emit(EnrolmentCodeIssued(site_id=command.site_id, device_id=device_id, expires_at=expires_at))
    return EnrolmentCode(device_id=device_id, site_id=command.site_id, expires_at=expires_at)


async def enrol_handheld(command: EnrolHandheld, tx: Tx) -> Enrolled:
    """Redeem a code: whoever shows it becomes the device. A used, expired or unknown code is NotFound."""
    _refuse(check_secret(command.token))
    code = await store.use_code(tx, command.secret)
    if code is None:
        raise NotFound("devices.enrolment_code", field="enrolment_code", rule="issued, unused, not expired")
    return await enrol_device(
        EnrolDevice(
            site_id=code["site_id"],
            device_id=code["device_id"],
            family="pda",
            secret=command.token,
        ),
        tx,
    )


async def authenticate_device(tx: ReadTx, token: str) -> DeviceIdentity | None:
    """The device that `token` belongs to; None when there is none or it is retired."""
    row = await store.by_token(tx, token)
    if row is None or row["retired_at"] is not None:
        return None
    return DeviceIdentity(device_id=row["device_id"], site_id=row["site_id"])


async def retired_device(tx: ReadTx, token: str) -> str | None:
    """The retired device whose token this was, or None."""
    row = await store.by_token(tx, token)
    return row["device_id"] if row is not None and row["retired_at"] is not None else None


async def edge_devices(tx: ReadTx, sites: Collection[str] = ()) -> list[EdgeDevice]:
    """The devices in service that an edge drives; no sites means every site."""
    return await store.edge_devices(tx, sites)


async def reserve_boots(tx: Tx, device_ids: Collection[str]) -> dict[str, int]:
    """The first of `BOOTS_RESERVED` fresh boots for each device, all above any used before."""
    return await store.reserve_boots(tx, device_ids, BOOTS_RESERVED)


async def broker_credentials(tx: ReadTx) -> dict[str, str]:
    """Device id to password hash, in Mosquitto's form, of every device that speaks over the broker."""
    return await store.broker_credentials(tx)


async def sees_site(tx: ReadTx, site_id: str) -> bool:
    """Whether the caller's party may see the site. The product itself may."""
    return tx.caller.party_id == PRODUCT_PARTY or await store.is_visible(tx, site_id)


async def inspects_site(tx: ReadTx, site_id: str) -> bool:
    """Whether the caller's party may look at the site's devices: as one that sees the site, or invited to."""
    return await sees_site(tx, site_id) or await store.is_visible(tx, inspection_of(site_id))


async def require_site(tx: ReadTx, site_id: str) -> None:
    """NotFound unless the caller's party may see the site that it named."""
    if not await sees_site(tx, site_id):
        raise NotFound("site.unknown", site_id=site_id)


def _refuse(refusal: Refusal | None, key: str = "devices.enrolment") -> None:
    """Invalid under `key`, which says what was not done."""
    if refusal is not None:
        raise Invalid(key, field=refusal.field, rule=refusal.rule)
