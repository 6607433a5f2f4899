"""Roots that the package's tests share."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.package.build import built
from tests.package.root import Root, copied, unpacked
from tests.system.roots import RELEASES


@pytest.fixture(scope="session", params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    """Every release of Debian that there is a package for."""
    return str(request.param)


@pytest.fixture(scope="session")
def ready(release: str, laboratory: None) -> Iterator[Root]:
    """A root with what the package depends on, and the package as a file."""
    del laboratory
    package = built(release)
    depends = subprocess.run(
        ["dpkg-deb", "--field", package, "Depends"], capture_output=True, text=True, check=True
    ).stdout.strip()
    with unpacked(release, "bare") as root:
        root.path("/vxland.deb").write_bytes(package.read_bytes())
        root.run("apt-get", "-q", "update")
        root.run("apt-get", "-qy", "--no-install-recommends", "satisfy", depends)
        yield root


@pytest.fixture(scope="session")
def installed(ready: Root) -> Iterator[Root]:
    """A root with the package installed by apt."""
    with copied(ready) as root:
        root.run("apt-get", "-qy", "install", "/vxland.deb")
        yield root
