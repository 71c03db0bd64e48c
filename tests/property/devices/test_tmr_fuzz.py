"""Whatever a wagon's line carries, and whatever its mass does."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from devices.drivers.tmr.codec import Fed, NotDone, Settings, Trouble, Weight, check_character, decode
from devices.drivers.tmr.thinning import WHILE_MOVING, WHILE_RESTING, WINDOW, Thinned
from devices.ingest.readings import Bounds, broken_rule
from devices.transport.decoding import FieldRejected
from kernel.messages import FeedEvent, FeedWeight

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
MOVING_G = 10_000

fields = st.text("0123456789 -.,LBKGRDISP:/\x02\x03", max_size=8)
lines = (
    st.binary(max_size=170)
    | st.lists(fields, min_size=1, max_size=22).map(",".join).map(str.encode)
    | st.text("0123456789 -.$", min_size=6, max_size=6).map(
        lambda digits: f"\x02{digits}KG SG\x03{check_character(digits + 'KG SG')}".encode()
    )
)
steps = st.lists(
    st.tuples(st.floats(0.05, 3.0), st.integers(0, 100_000) | st.just(50_000)), min_size=1, max_size=80
)


@given(lines, st.sampled_from(["kg", "lb"]))
def test_any_line_is_read_or_refused_by_field(line: bytes, unit) -> None:
    try:
        said = decode(line, Settings(unit))
    except FieldRejected as error:
        assert error.field
        assert error.rule
        return
    assert isinstance(said, Weight | Trouble | Fed | NotDone)
    if isinstance(said, Fed):
        event = FeedEvent(action=said.action, mass_g=said.mass_g, ingredient=said.code, pen=said.code)
        broken = broken_rule(event, Bounds())
        assert broken is None or broken.rule


def told(weights: list[tuple[float, int]]) -> list[tuple[datetime, FeedWeight]]:
    thinned, now, found = Thinned(MOVING_G), AT, []
    for after_s, mass_g in weights:
        now += timedelta(seconds=after_s)
        weight = thinned.weigh(mass_g, now)
        if weight is not None:
            found.append((now, weight))
    return found


@given(steps)
def test_a_weight_at_rest_stood_still_for_two_seconds(weights: list[tuple[float, int]]) -> None:
    seen: list[tuple[datetime, int]] = []
    thinned, now = Thinned(MOVING_G), AT
    for after_s, mass_g in weights:
        now += timedelta(seconds=after_s)
        seen.append((now, mass_g))
        weight = thinned.weigh(mass_g, now)
        if weight is not None and not weight.is_moving:
            within = [mass for at, mass in seen if now - at <= WINDOW]
            assert max(within) - min(within) <= MOVING_G
            assert now - seen[0][0] >= WINDOW


@given(steps)
def test_no_more_is_told_than_the_rule_allows(weights: list[tuple[float, int]]) -> None:
    found = told(weights)
    assert found[0][1].mass_g == weights[0][1]
    for (before_at, before), (at, weight) in pairwise(found):
        changed = weight.is_moving != before.is_moving
        crept = not weight.is_moving and abs(weight.mass_g - before.mass_g) > MOVING_G
        due = at - before_at >= (WHILE_MOVING if weight.is_moving else WHILE_RESTING)
        assert changed or crept or due


@given(st.integers(0, 20_000_000), st.integers(100, 600))
def test_a_wagon_at_rest_is_told_once_a_minute(mass_g: int, seconds: int) -> None:
    found = told([(0.1, mass_g)] * (10 * seconds))
    assert len(found) <= 2 + seconds // 60
    assert [weight.is_moving for _, weight in found] == [True] + [False] * (len(found) - 1)
