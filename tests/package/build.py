"""The Debian package of this checkout, built once for each state of its sources."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
KEPT = CHECKOUT / ".roots" / "packages"
INPUTS = (
    *("src", "etc", "packaging", "pyproject.toml", "requirements"),
    *("LICENSE", "README.md", "CHANGELOG.md", "docs"),
    *("scripts/install", "scripts/completions.py", "scripts/build-deb", "scripts/root-fs"),
)


def built(release: str) -> Path:
    """The package for a release of Debian: the one kept if its sources are still the same."""
    KEPT.mkdir(parents=True, exist_ok=True)
    folder = KEPT / f"{release}-{_digest()}"
    with (KEPT / f"{release}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _build(release, folder)
    (package,) = folder.iterdir()
    return package


def _build(release: str, folder: Path) -> None:
    for old in KEPT.glob(f"{release}-*"):
        shutil.rmtree(old)
    done = subprocess.run(
        [CHECKOUT / "scripts" / "build-deb", release],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    part = folder.with_suffix(".part")
    part.mkdir()
    shutil.copy2(CHECKOUT / done.stdout.strip(), part)
    part.rename(folder)  # only what is whole has the name


def _digest() -> str:
    words = ["git", "-c", f"safe.directory={CHECKOUT}", "ls-files", "-z"]
    listed = subprocess.run(
        [*words, "--cached", "--others", "--exclude-standard", "--", *INPUTS],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    digest = hashlib.sha256()
    for name in sorted(set(listed.split("\0")) - {""}):
        path = CHECKOUT / name
        if path.exists():
            digest.update(f"{name} {path.stat().st_mode:o}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
