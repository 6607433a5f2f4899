"""The packages that are installed: at the versions of constraints.txt, known by their hashes."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}")
OURS = "--no-index"  # from this folder
RENEW = "run .venv/bin/python scripts/pin.py"


def pins(path: Path) -> dict[str, list[str]]:
    """Each package at its version, with the options that follow it."""
    text = path.read_text().replace("\\\n", "\\")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    split = (line.split(" \\") for line in lines)
    return {name: options for name, *options in split}


def named(requirement: str) -> str:
    """A requirement's package, as registries spell it."""
    return re.split(r"[\[<>=~! ]", requirement)[0].lower().replace("_", "-")


CONSTRAINTS = pins(ROOT / "constraints.txt")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


FILES = {path.stem: pins(path) for path in sorted((ROOT / "requirements").iterdir()) if path.suffix}
EXTRAS = PROJECT["optional-dependencies"]


@pytest.mark.parametrize("name", FILES)
def test_all_have_hashes_and_no_address(name: str) -> None:
    """And the versions of constraints.txt: else somebody changed one of the two alone."""
    assert FILES[name]
    assert FILES[name].keys() <= CONSTRAINTS.keys(), RENEW
    assert all(options and all(map(HASH.fullmatch, options)) for options in FILES[name].values())


@pytest.mark.parametrize("wanted", ["run", *EXTRAS])
def test_what_is_asked_for_is_there(wanted: str) -> None:
    """All that pyproject.toml names."""
    asked = PROJECT["dependencies"] if wanted == "run" else EXTRAS[wanted]
    assert {*map(named, asked)} <= {*map(named, FILES[wanted])}, RENEW


def installing() -> Iterator[tuple[str, str]]:
    """Each line of a script that has pip install something, and whose it is."""
    for path in sorted((ROOT / "scripts").iterdir()):
        text = path.read_text() if path.is_file() and path.suffix != ".py" else ""
        for line in text.replace("\\\n", "").splitlines():
            if re.search(r'-m pip .*install|"\$\{pip\[@\]\}"', line):
                yield path.name, line


def test_scripts_install_nothing_else() -> None:
    """Each installs what has hashes, or vxland itself; the rest sets up the words for that."""
    found = list(installing())
    assert {name for name, _ in found} == {"audit", "fuzz", "install", "setup"}
    for name, line in found:
        assert "--require-hashes -r requirements/" in line or "pip=(" in line or OURS in line, name


def test_nothing_lacks() -> None:
    """All of constraints.txt is for something."""
    assert {name for pinned in FILES.values() for name in pinned} == CONSTRAINTS.keys(), RENEW
