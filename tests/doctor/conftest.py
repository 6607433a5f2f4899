"""Every test here examines servers in network namespaces of their own."""

import pytest

pytest.register_assert_rewrite("tests.doctor.patient")


@pytest.fixture(scope="session", autouse=True)
def _in_the_laboratory(laboratory: None) -> None:
    """All of them need root, and none sees another run's namespaces."""
    del laboratory
