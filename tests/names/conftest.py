"""Name servers here are real, each on the loopback of a namespace of its own."""

from collections.abc import Iterator

import pytest

from tests.lab import Namespace
from tests.lab.dns import name_servers


@pytest.fixture
def namespace(laboratory: None) -> Iterator[Namespace]:
    """This thread is inside; /etc/resolv.conf names the loopback's server."""
    del laboratory
    inside = Namespace("names")
    try:
        with name_servers("nameserver 127.0.0.1\nsearch mesh.test\n"), inside.entered():
            yield inside
    finally:
        inside.delete()
