"""Every test here runs daemons in network namespaces of its own."""

import pytest

from tests.prometheus.binary import program

pytest.register_assert_rewrite("tests.prometheus.server")


@pytest.fixture(scope="session", autouse=True)
def _in_the_laboratory(laboratory: None) -> None:
    """All of them need root, and none sees another run's namespaces."""
    del laboratory
    program("promtool")  # which may have to be fetched first
