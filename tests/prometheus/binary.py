"""Prometheus's programs, as Debian 12 has them, from its package without installing it.

They run on Debian 13 too. Files that its package takes from others (scripts of its pages) are
missing, and not needed.
"""

import subprocess
from pathlib import Path

from tests.system.roots import unpacked

RELEASE, KIND = "bookworm", "prometheus"


def program(name: str) -> Path:
    """``prometheus`` or ``promtool``; fetched when it is missing, which takes some seconds."""
    return unpacked(RELEASE, KIND) / "usr" / "bin" / name


def promtool(*words: str, text: str = "") -> str:
    """Run it; returns what it printed. Raises AssertionError where it finds something wrong."""
    done = subprocess.run(
        [program("promtool"), *words],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"promtool {' '.join(words)}: {done.stdout}"
    return done.stdout
