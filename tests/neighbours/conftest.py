"""Hosts as each Debian release has them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.neighbours.host import Host
from tests.system.roots import RELEASES, unpacked


@pytest.fixture(params=RELEASES)
def bare_host(request: pytest.FixtureRequest, tmp_path: Path, laboratory: None) -> Iterator[Host]:
    """One where none of the package's files are, to see what they prevent."""
    del laboratory
    with Host(tmp_path, unpacked(request.param, "neighbours")) as host:
        yield host


@pytest.fixture
def host(bare_host: Host) -> Host:
    """One where the package is installed."""
    bare_host.install()
    return bare_host
