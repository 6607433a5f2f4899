"""The packages that are installed: at the versions of constraints.txt, known by their hashes."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}")
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


def test_nothing_lacks() -> None:
    """All of constraints.txt is for something."""
    assert {name for pinned in FILES.values() for name in pinned} == CONSTRAINTS.keys(), RENEW
