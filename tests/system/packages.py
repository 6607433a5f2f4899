"""Packages that the tests make of the real one."""

import functools
import re
import shutil
import subprocess
from pathlib import Path

from tests.lab.namespaces import RUN

NEWER = "99.0"
DESCRIPTION = "VXLAN mesh between servers, upgraded"
CHANGES = (
    ("DEBIAN/control", r"^Version: [^~]*", f"Version: {NEWER}"),
    ("usr/lib/vxland/vxland/__init__.py", r"^__version__ = .*", f'__version__ = "{NEWER}"'),
    ("**/vxland.service", r"^Description=.*", f"Description={DESCRIPTION}"),
    ("**/vxland.service", r"^WatchdogSec=.*", "WatchdogSec=25"),
)


@functools.cache
def newer(package: Path) -> Path:
    """The same package as a later version, with another unit and another Python file.

    It goes with the run.
    """
    tree, made = RUN / package.stem, RUN / f"newer-{package.name}"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    for pattern, old, new in CHANGES:
        (path,) = tree.glob(pattern)
        text, count = re.subn(old, new, path.read_text(), flags=re.MULTILINE)
        assert count == 1, f"{path}: {old} is in it {count} times"
        path.write_text(text)
    quickly = ("-Zgzip", "-z1")
    subprocess.run(["dpkg-deb", *quickly, "--build", tree, made], check=True, capture_output=True)
    shutil.rmtree(tree)
    return made
