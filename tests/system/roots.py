"""Unpacked root file systems, which the machines have as their read-only lower layer."""

import fcntl
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PATIENCE = 1800  # seconds; no test's time runs meanwhile
RELEASES = ("bookworm", "trixie")


def unpacked(release: str, kind: str = "host") -> Path:
    """A root of a Debian release; made when it is missing, which takes a minute or two."""
    made = subprocess.run(
        [PROJECT / "scripts" / "root-fs", release, kind],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    archive = Path(made.stdout.strip())
    if archive.is_dir():
        return archive
    tree = archive.with_suffix("")
    with tree.with_suffix(".unpacking").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second run waits for the first one's
        if not tree.exists():
            part = tree.with_suffix(".part")
            subprocess.run(["rm", "-rf", part], check=True)  # what an interrupted run left
            part.mkdir()
            exactly = ("--numeric-owner", "--xattrs", "--xattrs-include=*")  # ping's capabilities
            subprocess.run(["tar", "-xf", archive, *exactly, "-C", part], check=True)
            part.rename(tree)
    return tree
