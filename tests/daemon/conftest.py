"""Every test here runs the daemon in network namespaces of its own."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _in_the_laboratory(laboratory: None) -> None:
    """All of them need root, and none sees another run's namespaces."""
    del laboratory
