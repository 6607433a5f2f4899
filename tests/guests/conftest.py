"""Servers with guests, as each Debian release has them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guests.site import GuestSite
from tests.system.roots import RELEASES, unpacked

pytest.register_assert_rewrite("tests.guests.segment")


@pytest.fixture(params=[pytest.param(RELEASES[0], marks=pytest.mark.whole), *RELEASES[1:]])
def release(request: pytest.FixtureRequest, laboratory: None) -> str:
    """The Debian release that the guests' programs are from."""
    del laboratory
    return str(request.param)


@pytest.fixture
def site(release: str, tmp_path: Path) -> Iterator[GuestSite]:
    """Two servers that have LXC, Docker and systemd-nspawn; vxland isn't started yet."""
    with GuestSite(tmp_path, unpacked(release, "guests"), unpacked(release)) as site:
        yield site
