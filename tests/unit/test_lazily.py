"""Modules of a package can be had without the package's own code, which runs once it is wanted."""

import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from vxland.kernel.lazily import lazily

NAME = "vxland_test_package"
ENCODES = """
import sys
from vxland.kernel.encoding import prepare
prepare()
assert "pyroute2.netlink.rtnl.ndmsg" in sys.modules
print([name for name in sys.modules if name.startswith(("asyncio", "sqlite3", "pyroute2.ndb"))])
from pyroute2 import IPRoute
print(IPRoute.__name__)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    folder = tmp_path / NAME
    folder.mkdir()
    folder.joinpath("__init__.py").write_text(f"from {NAME}.part import NUMBER\nOWN = NUMBER + 1\n")
    folder.joinpath("part.py").write_text("NUMBER = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    lazily(NAME)
    yield sys.modules[NAME]
    for name in (NAME, f"{NAME}.part"):
        sys.modules.pop(name, None)


def test_a_module_comes_alone(package: ModuleType) -> None:
    assert import_module(f"{NAME}.part").NUMBER == 1
    assert "OWN" not in vars(package)


def test_a_module_comes_alone_from_its_package(package: ModuleType) -> None:
    assert package.part.NUMBER == 1
    assert "OWN" not in vars(package)


def test_what_only_the_package_has_makes_it_whole(package: ModuleType) -> None:
    part = import_module(f"{NAME}.part")
    assert package.OWN == 2
    assert package is import_module(NAME)
    assert package.part is part
    with pytest.raises(AttributeError):
        _ = package.nothing


def test_what_no_package_has_runs_nothing(package: ModuleType) -> None:
    assert not hasattr(package, "__wrapped__")
    assert "OWN" not in vars(package)


def test_a_package_that_is_there_stays_as_it_is() -> None:
    before = sys.modules["pytest"]
    lazily("pytest")
    assert sys.modules["pytest"] is before


def test_a_package_that_is_nowhere_is_an_error() -> None:
    with pytest.raises(ModuleNotFoundError):
        lazily("vxland_test_nothing")


def test_messages_are_made_without_the_rest_of_pyroute2() -> None:
    command = [sys.executable, "-c", ENCODES]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "IPRoute"]
