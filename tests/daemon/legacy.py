"""ebtables-legacy as Debian packages it, laid over /usr where a mount namespace wants it."""

import fcntl
import subprocess
from pathlib import Path

KEPT = Path(__file__).resolve().parents[2] / ".roots" / "ebtables-legacy"
FETCH = """
apt-get -q download ebtables || { apt-get -q update; apt-get -q download ebtables; }
dpkg-deb --extract ebtables_*.deb .
rm ebtables_*.deb
"""


def mounts() -> str:
    """A script that makes it the ``ebtables`` of the mount namespace that it runs in."""
    return f"""
mount -t overlay overlay -o lowerdir={unpacked()}/usr:/usr /usr
mount -t tmpfs tmpfs /etc/alternatives
for word in ebtables ebtables-save ebtables-restore; do
    ln -s /usr/sbin/ebtables-legacy${{word#ebtables}} /etc/alternatives/$word
done"""


def unpacked() -> Path:
    """Its package's files; fetched when they are missing, and never installed."""
    KEPT.parent.mkdir(exist_ok=True)
    with KEPT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not KEPT.exists():
            part = KEPT.with_suffix(".part")
            part.mkdir(exist_ok=True)
            subprocess.run(["sh", "-ec", FETCH], cwd=part, check=True, capture_output=True)
            part.rename(KEPT)
    return KEPT
