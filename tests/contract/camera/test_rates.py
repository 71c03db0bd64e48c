"""The rates that the quality file states, on a few scenes; `tests/contract/camera/rates.py` measures more."""

from simulators.protocols.camera.painter import Painter
from tests.contract.camera.rates import measured


async def test_with_a_clear_view_no_slot_is_told_wrong_and_few_are_unclear(painter: Painter) -> None:
    clear, cluttered = await measured(painter, 8, seed=11)
    assert clear.wrong == 0
    assert clear.unclear <= 0.1 * (clear.told + clear.unclear)
    assert clear.labels_read >= 0.85 * clear.labels
    # Somebody who stands still before the rack hides a mark as a pallet does.
    assert cluttered.wrong <= 0.05 * cluttered.told
