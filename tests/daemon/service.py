"""A daemon as the unit runs it: a user of its own, CAP_NET_ADMIN alone, a /proc of itself alone."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.lab import Server, eventually
from tests.lab.namespaces import RUN
from tests.lab.server import VXLAND

UID = GID = 64901  # nobody else's
RUNTIME = RUN / "vxland"
AS_USER = ("setpriv", f"--reuid={UID}", f"--regid={GID}", "--clear-groups")


def rights(*capabilities: str) -> tuple[str, ...]:
    """Words before a command that has these capabilities and can't get others."""
    wanted = ",".join(("-all", *(f"+{name}" for name in capabilities)))
    caps = [f"--{kind}={wanted}" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
    return (*AS_USER, *caps, "--no-new-privs")


NET_ADMIN = rights("net_admin")


def command(
    server: Server, *, as_: Sequence[str] = NET_ADMIN, before: Sequence[str] = (), mounts: str = ""
) -> list[str]:
    """``vxland run`` as the service; ``before`` are words before the program itself."""
    setting = f"{mounts}\numask 077\nmount -t proc -o hidepid=invisible proc /proc"
    bound = ("setpriv", "--pdeathsig", "KILL", "--")
    run = (str(VXLAND), "run", "--config", str(server.config))
    script = f'{setting}\nexec "$@"'
    return server.command(
        "unshare", "--mount", "sh", "-ec", script, "sh", *as_, *bound, *before, *run
    )


def start(server: Server, words: Sequence[str] | None = None, **environment: str) -> None:
    """Start it; ``Server.stop`` ends it."""
    with server.log.open("ab") as log:
        server.daemon = subprocess.Popen(
            words or command(server),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **environment},
            start_new_session=True,
        )


def start_and_settle(server: Server) -> None:
    """Start it, and wait until all is as wanted."""
    start(server)
    eventually(server.status, lambda: f"{server.name} answers; it logged:\n{server.tail()}")
    server.settled()


def own_config(server: Server, text: str) -> None:
    """Save it as the package does: for root and the service's group."""
    server.write(text)
    os.chown(server.config, 0, GID)
    server.config.chmod(0o640)


@contextmanager
def runtime_folder() -> Iterator[Path]:
    """/run/vxland as systemd makes it, without what other namespaces left; it goes afterwards."""
    shutil.rmtree(RUNTIME, ignore_errors=True)
    RUNTIME.mkdir()
    os.chown(RUNTIME, UID, GID)
    yield RUNTIME
    shutil.rmtree(RUNTIME, ignore_errors=True)
