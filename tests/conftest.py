"""What the tests of all folders share."""

import pytest

from tests import lab


@pytest.fixture(scope="session")
def laboratory() -> None:
    """Mounts of this run's own, for everything that makes namespaces by name.

    Without root it fails, and so does every test that asks for it.
    """
    lab.own_mounts()
