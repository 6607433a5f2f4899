"""Three servers with a mesh over either family, their guests, and a stranger on the same wire."""

from collections.abc import Iterator

import pytest

from tests.ingress.door import Door, doors


@pytest.fixture(scope="module", params=["192.0.2.{}", "2001:db8::{}"], ids=["IPv4", "IPv6"])
def door(
    request: pytest.FixtureRequest, laboratory: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """Daemons that run for all tests of a file."""
    del laboratory
    with doors(tmp_path_factory.mktemp("ingress"), request.param) as made:
        yield made
