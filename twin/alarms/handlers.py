"""People acting on alarms."""

from datetime import datetime

from kernel.errors import Conflict, Invalid, NotFound
from kernel.tx import Row, Tx
from twin.alarms import store
from twin.alarms.incidents import close
from twin.messages import UNHEARD_EXITS, AcknowledgeAlarm, ClearAlarm

REASON_LENGTH_MAX = 500
UNITS_SHOWN_MAX = 10


async def acknowledge_alarm(command: AcknowledgeAlarm, tx: Tx) -> None:
    """A person of the keeper has taken note. Raises NotFound `twin.alarm_unknown`."""
    await _require_keeper(tx, command.alarm_id)
    await store.acknowledge(tx, command.alarm_id, tx.caller.person_id)


async def clear_alarm(command: ClearAlarm, tx: Tx) -> None:
    """A person of the keeper closes the alarm; closing twice keeps the first.

    Raises NotFound, Invalid, and Conflict `twin.goods_gone` for an alarm of goods that nobody released, of
    whatever grade, while any of its units is gone and was neither released since nor counted out of the
    books: a word of the keeper brings nothing back, and what is pledged is not counted out.
    """
    reason = command.reason.strip()
    if not 1 <= len(reason) <= REASON_LENGTH_MAX:
        raise Invalid("twin.clear_reason", field="reason", rule=f"1 to {REASON_LENGTH_MAX} characters")
    alarm = await _require_keeper(tx, command.alarm_id)
    if alarm["kind"] == "exit_without_release":
        gone = await store.gone(tx, alarm["unit_ids"], alarm["first_at"])
        if gone:
            raise Conflict("twin.goods_gone", unit_ids=gone[:UNITS_SHOWN_MAX], count=len(gone))
    await close(tx, command.alarm_id, by=tx.caller.person_id, reason=reason)
    await store.put_grades(tx, alarm["unit_ids"])


async def unheard_exit(tx: Tx, alarm_id: str) -> tuple[str, datetime] | None:
    """The site, and since when goods must be seen again there, of an alarm that any of them may have left
    unheard; None for other alarms, and for a vehicle that turned back."""
    alarm = await store.alarm_site(tx, alarm_id)
    if alarm is None or alarm["kind"] not in UNHEARD_EXITS or alarm["facts"].get("outcome") == "returned":
        return None
    return alarm["site_id"], alarm["last_at"]


async def _require_keeper(tx: Tx, alarm_id: str) -> Row:
    """The alarm, for the party that keeps its site; to all others there is none."""
    alarm = await store.alarm_site(tx, alarm_id)
    if alarm is None or not await store.is_keeper(tx, alarm["site_id"], tx.caller.party_id):
        raise NotFound("twin.alarm_unknown", alarm_id=alarm_id)
    return alarm
