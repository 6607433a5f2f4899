"""Writes requirements/*.txt: the packages at the versions of constraints.txt, with their hashes.

Run it when constraints.txt has changed: .venv/bin/python scripts/pin.py. It asks pip, which fetches
no package for that, once for each Python and processor that vxland is installed on.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
DEVELOPERS = ("3.11", "3.13")  # what Debian 12 and 13 have
PROCESSORS = ("x86_64", "aarch64")
ALONE = {"fuzz": ("x86_64",)}  # what isn't for both
OLDEST_LIBC, LIBC = 17, 36  # of manylinux_2_N: since 2014, and that of Debian 12
SOURCES = ("systemd-python",)  # published as source alone, and compiled against libsystemd
BUILD = ("setuptools", "shtab")  # what makes vxland itself, and its completions
HEAD = "# Made by scripts/pin.py of constraints.txt: what {what}.\n"


def sets() -> Iterator[tuple[str, str, list[str], tuple[str, ...]]]:
    """Each file: its name, what it is for, the packages asked for, and for which Pythons."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    run, more = project["dependencies"], project["optional-dependencies"]
    yield "run", "vxland needs", run, PYTHONS
    yield "build", "builds it", list(BUILD), PYTHONS
    yield "dev", "scripts/setup installs", [*run, *more["dev"], *BUILD], DEVELOPERS
    yield "audit", "looks for known vulnerabilities", more["audit"], DEVELOPERS
    yield "bench", "draws the pictures", more["bench"], DEVELOPERS
    yield "fuzz", "fuzzes it", more["fuzz"], DEVELOPERS


def found(wanted: Iterable[str], *options: str) -> Iterator[dict[str, Any]]:
    """What pip would install."""
    with tempfile.NamedTemporaryFile() as report:
        command = [sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed"]
        command += ["--report", report.name, "-c", str(ROOT / "constraints.txt"), *options, *wanted]
        subprocess.run(command, check=True)
        yield from json.load(report)["install"]


def wheels(wanted: Iterable[str], python: str, processor: str) -> Iterator[dict[str, Any]]:
    """The wheels for one kind of machine. Raises CalledProcessError where one is missing."""
    platforms = [f"manylinux_2_{libc}_{processor}" for libc in range(LIBC, OLDEST_LIBC - 1, -1)]
    options = [f"--platform={name}" for name in (*platforms, f"manylinux2014_{processor}")]
    with tempfile.TemporaryDirectory() as target:
        here = ["--target", target, "--only-binary=:all:", "--python-version", python]
        yield from found(wanted, *here, *options)


def is_source(requirement: str) -> bool:
    """Whether there is no wheel of it."""
    return requirement.startswith(SOURCES)


def main() -> None:
    """Write all files."""
    for name, what, wanted, pythons in sets():
        compiled = [requirement for requirement in wanted if is_source(requirement)]
        others = [requirement for requirement in wanted if not is_source(requirement)]
        hashes: dict[str, set[str]] = {}
        packages = [
            *(
                one
                for kind in product(pythons, ALONE.get(name, PROCESSORS))
                for one in wheels(others, *kind)
            ),
            *(found(compiled, "--no-deps", "--no-binary=:all:") if compiled else ()),
        ]
        for package in packages:
            pin = "{name}=={version}".format_map(package["metadata"])
            digest = package["download_info"]["archive_info"]["hashes"]["sha256"]
            hashes.setdefault(pin, set()).add(f" \\\n    --hash=sha256:{digest}")
        lines = (f"{pin}{''.join(sorted(hashes[pin]))}\n" for pin in sorted(hashes, key=str.lower))
        (FOLDER / f"{name}.txt").write_text(HEAD.format(what=what) + "".join(lines))


if __name__ == "__main__":
    main()
