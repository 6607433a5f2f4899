"""A Debian root to install things in, with processes and mounts of its own."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.lab.namespaces import RUN
from tests.system import roots

# What pip and apt need to know of this machine to reach the outside.
WAYS_OUT = (
    "/etc/resolv.conf",
    "/etc/pip.conf",
    "/etc/ssl/certs/ca-certificates.crt",
    os.environ.get("PIP_CERT", ""),
)
UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
MOUNTS = 'mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; exec chroot "$0" "$@"'


class Root:
    """A folder that is a whole Debian: ``layers`` of files, the uppermost first."""

    def __init__(self, folder: Path, layers: tuple[Path, ...]) -> None:
        self.folder = folder
        self.layers = layers

    def path(self, inside: str) -> Path:
        """Where a file of the root lies."""
        return self.folder / inside.lstrip("/")

    def run(
        self, *words: str, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a program inside. Whatever it leaves running ends with it."""
        settings = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
            **{name: value for name, value in os.environ.items() if name.startswith("PIP_")},
            **environment,
        }
        done = subprocess.run(
            [*UNSHARE, "sh", "-ec", MOUNTS, str(self.folder), *words],
            env=settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if check and done.returncode != 0:
            message = f"{' '.join(words)}: {done.stdout}{done.stderr}"
            raise AssertionError(message)
        return done

    def files(self) -> dict[str, str]:
        """Every file, with its kind, mode and owner."""
        listed = self.run("find", "/", "-xdev", "-printf", "%p\\t%y %m %u %g\\n").stdout
        return dict(line.split("\t", 1) for line in listed.splitlines())


@contextlib.contextmanager
def unpacked(release: str, kind: str) -> Iterator[Root]:
    """A fresh root, as scripts/root-fs makes them."""
    with _layered(roots.unpacked(release, kind)) as root:
        for name in filter(os.path.isfile, WAYS_OUT):
            target = root.path(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(name, target)
        yield root


@contextlib.contextmanager
def copied(root: Root) -> Iterator[Root]:
    """A copy to change, for as long as the first one isn't changed."""
    with _layered(*root.layers) as copy:
        yield copy


@contextlib.contextmanager
def _layered(*lower: Path) -> Iterator[Root]:
    """What is changed is kept in memory; it and the mount go with the laboratory at the latest."""
    with tempfile.TemporaryDirectory(prefix="vxland-root-", dir=RUN) as temporary:
        root, upper, work = (Path(temporary, name) for name in ("root", "upper", "work"))
        for folder in (root, upper, work):
            folder.mkdir()
        options = f"lowerdir={':'.join(map(str, lower))},upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, root], check=True)
        try:
            yield Root(root, (upper, *lower))
        finally:
            subprocess.run(["umount", root], check=True)
