"""Whatever a vehicle brings, leaves behind and takes by leave, no pledged pallet goes out with it unheard."""

from datetime import UTC, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from wms.dispatch.model import AtGate, Decision, Held, LiveRelease, LiveVisit, decide_gate

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
TRUCK_G = 12_000_000
PALLET_G = 600_000
LIGHTEST_G_MIN, LIGHTEST_G_MAX = 120_000, 1_500_000
"""From twice what the scale may err by for loads of these sizes."""
masses = st.integers(0, 3_000_000)


def decide(
    entry_g: int, exit_g: int, *, declared_g: int, heard: int, untagged_g: int, held: Held
) -> Decision:
    pallets = frozenset(f"p{number}" for number in range(heard))
    release = LiveRelease(
        "release-1",
        "gate-1",
        NOW,
        NOW + timedelta(hours=1),
        pallets | {"parcel-1"},
        heard * PALLET_G + untagged_g,
        pallets,
        untagged_g,
    )
    seen = AtGate(
        site_id="site-a",
        gate_id="gate-1",
        vehicle_id="vehicle-b",
        direction="out",
        unit_ids=sorted(pallets),
        unknown_epcs=[],
        mass_g=exit_g,
        entry_mass_g=entry_g,
        at=NOW,
        evidence_ids=[],
    )
    visit = LiveVisit("visit-1", "admitted", entry_g, unloaded_g=declared_g)
    return decide_gate(seen, visit, [release] if heard or untagged_g else [], NOW, held)


@given(
    lightest_g=st.integers(LIGHTEST_G_MIN, LIGHTEST_G_MAX),
    burnt_g=st.integers(-400_000, 400_000),
    declared_g=masses,
    brought_g=masses,
    ballast_g=masses,
    heard=st.integers(0, 3),
    untagged_g=masses,
    loaded_g=masses,
    hidden=st.integers(1, 4),
)
def test_no_pledged_pallet_leaves_unheard_with_a_vehicle_whose_empty_mass_is_known(
    lightest_g: int,
    burnt_g: int,
    declared_g: int,
    brought_g: int,
    ballast_g: int,
    heard: int,
    untagged_g: int,
    loaded_g: int,
    hidden: int,
) -> None:
    """Its tank is emptier by `burnt_g` than when it was weighed, less than half the lightest pallet; of what
    is released without tags it takes `loaded_g`; ballast stays behind."""
    assume(burnt_g < lightest_g // 2)
    own_g = TRUCK_G - burnt_g
    taken_g = heard * PALLET_G + min(loaded_g, untagged_g) + hidden * lightest_g
    decision = decide(
        own_g + brought_g + ballast_g,
        own_g + taken_g,
        declared_g=declared_g,
        heard=heard,
        untagged_g=untagged_g,
        held=Held(lightest_g, TRUCK_G),
    )
    assert not decision.opened


@given(
    lightest_g=st.integers(2 * LIGHTEST_G_MIN, LIGHTEST_G_MAX),
    empty_g=st.none() | st.integers(TRUCK_G - 400_000, TRUCK_G + 400_000),
    heard=st.integers(0, 3),
    untagged_g=masses,
    hidden=st.integers(1, 4),
)
def test_no_pledged_pallet_leaves_unheard_with_a_vehicle_that_was_weighed_empty_coming_in(
    lightest_g: int, empty_g: int | None, heard: int, untagged_g: int, hidden: int
) -> None:
    exit_g = TRUCK_G + heard * PALLET_G + hidden * lightest_g
    held = Held(lightest_g, empty_g)
    decision = decide(TRUCK_G, exit_g, declared_g=0, heard=heard, untagged_g=untagged_g, held=held)
    assert not decision.opened


@given(
    lightest_g=st.integers(2 * LIGHTEST_G_MIN, LIGHTEST_G_MAX),
    fuel_g=st.integers(0, LIGHTEST_G_MIN),
    scale_g=st.integers(-20_000, 20_000),
    heard=st.integers(0, 3),
)
def test_an_honest_vehicle_with_more_fuel_than_before_leaves_with_what_is_released(
    lightest_g: int, fuel_g: int, scale_g: int, heard: int
) -> None:
    own_g = TRUCK_G + fuel_g
    assume(fuel_g + scale_g <= lightest_g // 2)
    decision = decide(
        own_g,
        own_g + heard * PALLET_G + scale_g,
        declared_g=0,
        heard=heard,
        untagged_g=0,
        held=Held(lightest_g, TRUCK_G),
    )
    assert decision.opened
