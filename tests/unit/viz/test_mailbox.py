"""What waits for one client: latest wins for state, nothing lost of alarms and events."""

import asyncio
import json

import pytest

from viz.stream.codec import Pose, decode_frame, encode_pose
from viz.stream.mailbox import (
    CLOSE_SESSION_ENDED,
    CLOSE_TOO_SLOW,
    KEPT_FRAMES_MAX,
    UNITS_PER_FRAME_MAX,
    Closed,
    Mailbox,
)


def unit(number: int, note: str = "") -> dict[str, str]:
    return {f"unit-{number}": json.dumps({"unit_id": f"unit-{number}", "note": note})}


def pose(number: int, x_m: float) -> dict[int, bytes]:
    return {number: encode_pose(Pose(number, x_m, 0, 0, 0))}


async def taken(mailbox: Mailbox) -> list[str | bytes]:
    async with asyncio.timeout(5):
        return await mailbox.take()


async def test_of_a_unit_and_a_pose_only_the_latest_is_sent() -> None:
    mailbox = Mailbox()
    mailbox.put(1, units=unit(1, "old"), poses=pose(7, 1.0))
    mailbox.put(2, units=unit(1, "new"), poses=pose(7, 2.0))
    text, binary = await taken(mailbox)
    assert json.loads(text) == {
        "type": "units",
        "revision": 2,
        "units": [{"unit_id": "unit-1", "note": "new"}],
    }
    assert isinstance(binary, bytes)
    assert decode_frame(binary) == (2, [Pose(7, 2.0, 0, 0, 0)])


async def test_alarms_come_first_and_all_of_them_in_order() -> None:
    mailbox = Mailbox()
    mailbox.put(1, units=unit(1), latest={"barrier gate-1": '"barrier"'})
    mailbox.put(2, kept=['"check"'])
    mailbox.put(3, kept=['"freeze"'])
    frames = await taken(mailbox)
    assert frames[:2] == ['"check"', '"freeze"']
    assert len(frames) == 4


async def test_only_the_last_frame_of_many_units_moves_the_revision() -> None:
    mailbox = Mailbox()
    mailbox.put(5, units=unit(0))
    await taken(mailbox)
    many = {key: value for number in range(UNITS_PER_FRAME_MAX + 1) for key, value in unit(number).items()}
    mailbox.put(9, units=many)
    frames = [json.loads(frame) for frame in await taken(mailbox)]
    assert [(frame["revision"], len(frame["units"])) for frame in frames] == [
        (5, UNITS_PER_FRAME_MAX),
        (9, 1),
    ]


async def test_a_client_that_lets_too_many_alarms_wait_is_closed_and_none_is_dropped_before() -> None:
    mailbox = Mailbox()
    mailbox.put(1, kept=['""'] * KEPT_FRAMES_MAX)
    assert len(await taken(mailbox)) == KEPT_FRAMES_MAX
    mailbox.put(2, kept=['""'] * (KEPT_FRAMES_MAX + 1))
    with pytest.raises(Closed) as closed:
        await taken(mailbox)
    assert closed.value.code == CLOSE_TOO_SLOW


async def test_state_never_closes_a_client_however_much_changes() -> None:
    mailbox = Mailbox()
    for step in range(KEPT_FRAMES_MAX * 2):
        mailbox.put(step, units=unit(step % 3), poses=pose(1, step / 1000))
    frames = await taken(mailbox)
    assert len(json.loads(frames[0])["units"]) == 3
    assert len(frames) == 2


async def test_taking_waits_until_there_is_something() -> None:
    mailbox = Mailbox()
    waiting = asyncio.create_task(mailbox.take())
    mailbox.put(1)
    done, _ = await asyncio.wait([waiting], timeout=0.01)
    assert not done
    mailbox.put(2, kept=['"alarm"'])
    assert await asyncio.wait_for(waiting, 5) == ['"alarm"']


async def test_the_first_reason_to_close_counts() -> None:
    mailbox = Mailbox()
    mailbox.close(CLOSE_SESSION_ENDED, "signed out")
    mailbox.close(CLOSE_TOO_SLOW, "slow")
    with pytest.raises(Closed, match="4401 signed out"):
        await taken(mailbox)
