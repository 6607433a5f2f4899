"""A server in this process, unless a test needs a daemon."""

from collections.abc import Iterator

import pytest

from tests.http.site import Stage, served


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A server that answers what the test sets."""
    stage = Stage()
    with served(stage):
        yield stage
