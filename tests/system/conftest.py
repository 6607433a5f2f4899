"""Machines that are really booted, with each Debian release that vxland has a package for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import roots
from tests.system.site import Site


@pytest.fixture(scope="session", params=roots.RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    """The Debian release of a test's machines; each test runs with every one."""
    return str(request.param)


@pytest.fixture(scope="session")
def root(release: str, laboratory: None) -> Path:
    """An unpacked root file system, for reading."""
    del laboratory
    return roots.unpacked(release)


@pytest.fixture(scope="module")
def site(root: Path) -> Iterator[Site]:
    """Three machines, booted anew for each module."""
    with Site(root) as site:
        yield site
