"""Servers as each Debian release has them, with vxland's package, before they run vxland."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.makers.maker import Maker
from tests.system.roots import RELEASES, unpacked


@pytest.fixture(params=[pytest.param(RELEASES[0], marks=pytest.mark.whole), *RELEASES[1:]])
def maker(request: pytest.FixtureRequest, tmp_path: Path, laboratory: None) -> Iterator[Maker]:
    """One where the package's files are."""
    del laboratory
    with Maker(tmp_path, unpacked(request.param, "neighbours")) as maker:
        maker.install()
        yield maker
