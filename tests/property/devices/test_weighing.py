"""Unstable weights are never booked, and no load is booked twice: whatever a scale shows, in any order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from devices.transport.weighing import OVERLOAD, UNDER_ZERO, Settings, Shown, Standstill

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
CAPTURE_MIN_G, CHANGE_G = 10_000, 2_000
looks = st.lists(
    st.tuples(
        st.sampled_from([0.1, 0.3, 0.6, 2.0]),
        st.builds(
            Shown,
            mass_g=st.sampled_from([-5_000, 0, 9_999, 10_000, 11_500, 50_000, 51_000, 52_000, 90_000]),
            is_stable=st.sampled_from([True, True, True, False]),
            trouble=st.sampled_from(["", "", "", "", OVERLOAD, UNDER_ZERO]),
            basis=st.sampled_from(["gross", "gross", "net"]),
            tare_g=st.sampled_from([0, 40_000]),
        ),
    ),
    max_size=40,
)


@given(looks, st.sampled_from([0.0, 0.5, 1.0]))
def test_only_a_load_that_rested_is_captured_and_only_once(
    steps: list[tuple[float, Shown]], settle_s: float
) -> None:
    standstill = Standstill(Settings(settle_s=settle_s, capture_min_g=CAPTURE_MIN_G, change_g=CHANGE_G))
    at, seen = START, list[tuple[datetime, Shown]]()
    last_captured_g: int | None = None
    for wait_s, shown in steps:
        at += timedelta(seconds=wait_s)
        seen.append((at, shown))
        if shown.load_g < CAPTURE_MIN_G and shown.trouble != OVERLOAD:
            last_captured_g = None
        if standstill.look(shown, at) != "captured":
            continue
        rested_from = at - timedelta(seconds=settle_s)
        before = [n for n, (moment, _) in enumerate(seen) if moment <= rested_from]
        assert before, "captured before it can have settled"
        rested = [one for _, one in seen[before[-1] :]]
        assert all(one.is_stable and not one.trouble for one in rested)
        assert all(abs(one.load_g - shown.load_g) <= CHANGE_G for one in rested)
        assert shown.load_g >= CAPTURE_MIN_G
        assert last_captured_g is None or abs(shown.load_g - last_captured_g) > CHANGE_G
        last_captured_g = shown.load_g
