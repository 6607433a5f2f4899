"""The fake kernel does what the real one does: else what is proved on the fake proves nothing."""

import pytest

from tests.contract.twins import twins
from tests.fake.drift import DRIFT, HOME

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("drift", DRIFT)
def test_drift_and_its_repair(drift: str) -> None:
    """Both show the same drift, and the same after each of two turns of repair."""
    with twins() as both:
        both.turn(HOME)
        both.vandalise(*DRIFT[drift])
        both.turn(HOME)
        both.turn(HOME)
