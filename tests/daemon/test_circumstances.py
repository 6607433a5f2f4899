"""Bad circumstances: each is named with its cause and its cure, in the log and in STATUS=."""

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.daemon import lacking, legacy
from tests.daemon.service import (
    NET_ADMIN,
    RUNTIME,
    command,
    own_config,
    rights,
    runtime_folder,
    start,
)
from tests.daemon_notify.manager import Manager
from tests.lab import Server, Site
from tests.lab.site import HEAD, config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

READY, STATUS = "READY=1", "STATUS="
BASE = config([1, 2], HEAD + 'guard = ["isolated", "ebtables"]\n')
BY_TABLE = config([1, 2], HEAD + 'guard = ["isolated", "nftables"]\n')
FAILED, BAD_CONFIG = 1, 78
LXD2 = "vxl-lan-lxd2"
LACKING = ("env", f"--chdir={Path(__file__).parents[2]}", sys.executable, "-m", lacking.__name__)
# The alternatives system's links alone decide which ebtables there is.
NO_EBTABLES = "mount -t tmpfs tmpfs /etc/alternatives"


@dataclass
class Case:
    """One server, and what a circumstance needs to be one."""

    server: Server
    cleanup: ExitStack
    folder: Path

    @property
    def config(self) -> Path:
        return self.server.config

    def drop_in(self) -> Path:
        """One in PATH.d."""
        path = Path(f"{self.config}.d") / "10-more.toml"
        path.parent.mkdir()
        path.write_text("# nothing\n")
        return path

    def take(self, kind: int, port: int) -> None:
        """Hold a port, as another program does."""
        with self.server.entered():
            holder = self.cleanup.enter_context(socket.socket(socket.AF_INET, kind))
            holder.bind(("0.0.0.0", port))
            if kind == socket.SOCK_STREAM:
                holder.listen()


@dataclass(frozen=True)
class Circumstance:
    """What is bad, and what must be said of it."""

    words: tuple[str, ...]
    spoil: Callable[[Case], object] = lambda _: None
    as_: tuple[str, ...] = NET_ADMIN
    mounts: Callable[[], str] = lambda: ""
    lacking: str = ""  # of the kernel


@pytest.fixture
def case() -> Iterator[Case]:
    """One of two servers, with all as it should be."""
    folder = Path(tempfile.mkdtemp(prefix="vxland-test-"))
    try:
        folder.chmod(0o755)
        with Site(folder, 1) as site, runtime_folder(), ExitStack() as cleanup:
            own_config(site.servers[0], BASE)
            yield Case(site.servers[0], cleanup, folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def manager(case: Case) -> Iterator[Manager]:
    """The service manager, to be heard by any user."""
    path = case.folder / "notify"
    with Manager(path) as made:
        path.chmod(0o666)
        yield made


def started(case: Case, manager: Manager, circumstance: Circumstance) -> None:
    """Start the service in this circumstance."""
    circumstance.spoil(case)
    before = (*LACKING, circumstance.lacking) if circumstance.lacking else ()
    words = command(case.server, as_=circumstance.as_, mounts=circumstance.mounts(), before=before)
    start(case.server, words, **manager.environment())


def statuses(manager: Manager) -> list[str]:
    """The lines for a person."""
    return [line.removeprefix(STATUS) for line in manager.said if line.startswith(STATUS)]


def says(text: str, words: tuple[str, ...], server: Server) -> bool:
    """Whether all of them are in it; ``{}`` stands for the configuration's path."""
    return all(word.replace("{}", str(server.config)) in text for word in words)


FATAL: dict[str, tuple[int, Circumstance]] = {
    "no CAP_NET_ADMIN": (
        FAILED,
        Circumstance(
            ("this needs CAP_NET_ADMIN", "sudo", "AmbientCapabilities=CAP_NET_ADMIN"), as_=rights()
        ),
    ),
    "configuration missing": (
        BAD_CONFIG,
        Circumstance(
            ("{}: can't be read: No such file", "Make it, or name another"),
            lambda case: case.config.unlink(),
        ),
    ),
    "configuration for root alone": (
        BAD_CONFIG,
        Circumstance(
            ("{}: can't be read: Permission denied", "chgrp vxland {} && chmod 640 {}"),
            lambda case: os.chown(case.config, 0, 0),
        ),
    ),
    "drop-in for root alone": (
        BAD_CONFIG,
        Circumstance(
            (
                "{}.d/10-more.toml: can't be read: Permission denied",
                "chgrp vxland {}.d/10-more.toml && chmod 640 {}.d/10-more.toml",
            ),
            lambda case: case.drop_in().chmod(0o600),
        ),
    ),
    "drop-ins' folder for root alone": (
        BAD_CONFIG,
        Circumstance(
            ("{}.d: can't be read: Permission denied", "chgrp vxland {}.d && chmod 750 {}.d"),
            lambda case: case.drop_in().parent.chmod(0o711),
        ),
    ),
    "folder that can't be entered": (
        BAD_CONFIG,
        Circumstance(
            ("can't be read: Permission denied", "Let vxland enter ", " && chmod g+rx "),
            lambda case: case.config.parent.chmod(0o700),
        ),
    ),
    "no folder for the lock": (
        FAILED,
        Circumstance(
            ("/run/vxland can't be used: Permission denied", "mkdir -p /run/vxland && chown -R"),
            lambda _: RUNTIME.rmdir(),
        ),
    ),
    "folder for the lock is root's": (
        FAILED,
        Circumstance(
            ("can't be used: Permission denied", "chown -R 64901: /run/vxland"),
            lambda _: os.chown(RUNTIME, 0, 0),
        ),
    ),
}


@pytest.mark.parametrize("name", FATAL)
def test_what_ends_the_start(case: Case, manager: Manager, name: str) -> None:
    """It ends at once with the right status, never ready, and says why in both places."""
    status, circumstance = FATAL[name]
    started(case, manager, circumstance)
    assert case.server.daemon is not None
    assert case.server.daemon.wait(timeout=30) == status
    log = case.server.tail()
    assert says(log, circumstance.words, case.server), log
    assert "Traceback" not in log
    said = manager.wait(lambda _: statuses(manager), "why")
    assert says(statuses(manager)[-1], circumstance.words, case.server), said
    assert READY not in said


BEARABLE: dict[str, Circumstance] = {
    "no ebtables": Circumstance(
        (
            "overlay lan wants the guard ebtables: the program ebtables isn't installed",
            "apt install iptables",
        ),
        mounts=lambda: NO_EBTABLES,
    ),
    "no nftables in the kernel": Circumstance(
        ("this kernel has no nftables for ebtables", "modprobe nf_tables"), lacking="nfnetlink"
    ),
    "no nftables for a table": Circumstance(
        (
            "overlay lan wants the guard nftables: this kernel has no nftables",
            "modprobe nf_tables",
        ),
        lambda case: own_config(case.server, BY_TABLE),
        lacking="nfnetlink",
    ),
    "ebtables-legacy without CAP_NET_RAW": Circumstance(
        (
            "ebtables may not be used",
            "CAP_NET_RAW",
            "cp /usr/share/vxland/ebtables-legacy.conf /etc/systemd/system/vxland.service.d/",
            "systemctl daemon-reload",
            "systemctl restart vxland",
        ),
        mounts=legacy.mounts,
    ),
    "no VXLAN in the kernel": Circumstance(
        (
            LXD2,
            "this kernel has no support for vxlan devices",
            "modprobe vxlan",
        ),
        lacking="vxlan",
    ),
    "no bridges in the kernel": Circumstance(
        ("vxbr0", "this kernel has no support for bridge devices", "modprobe bridge"),
        lacking="bridge",
    ),
    "UDP port taken": Circumstance(
        (LXD2, "UDP port 4789 is held by", "ss -ulnp 'sport = :4789'", "Stop what holds the port"),
        lambda case: case.take(socket.SOCK_DGRAM, 4789),
    ),
    "HTTP port taken": Circumstance(
        (
            "no metrics: cannot listen on 127.0.0.1 port 9788: Address already in use",
            "Stop what holds it (ss -tlnp 'sport = :9788'), or change listen in [http]",
        ),
        lambda case: case.take(socket.SOCK_STREAM, 9788),
    ),
    "address not here": Circumstance(
        ("this machine has none of the peers' addresses", 'name = "..." in [node]'),
        lambda case: case.server.sh("ip addr flush dev eth0"),
    ),
}


@pytest.mark.parametrize("name", BEARABLE)
def test_what_the_daemon_goes_on_with(case: Case, manager: Manager, name: str) -> None:
    """It is ready after the first look all the same, and says what is wrong in both places."""
    circumstance = BEARABLE[name]
    started(case, manager, circumstance)
    manager.wait(lambda said: READY in said, "it is ready")
    assert says(statuses(manager)[0], circumstance.words, case.server), statuses(manager)
    assert manager.said.index(READY) > manager.said.index(STATUS + statuses(manager)[0])
    log = case.server.log.read_text()
    assert any(says(line, circumstance.words, case.server) for line in log.splitlines()), log
    assert "Traceback" not in log
    assert case.server.daemon is not None
    assert case.server.daemon.poll() is None
    assert case.server.stop() == 0


def test_an_address_that_comes_late(case: Case, manager: Manager) -> None:
    """It waits by netlink, and comes up by itself: the next check is an hour away."""
    own_config(case.server, f'[reconcile]\ninterval = "1h"\n\n{BASE}')
    case.server.sh("ip addr flush dev eth0")
    start(case.server, **manager.environment())
    manager.wait(lambda said: READY in said, "it is ready")
    assert "UP" in (case.server.link("vxbr0") or {"flags": []})["flags"]  # guests can come
    assert case.server.link(LXD2) is None
    assert "this machine has none of the peers' addresses" in statuses(manager)[-1]
    case.server.sh("ip addr add 192.0.2.1/24 dev eth0")
    manager.wait(lambda _: "in sync" in statuses(manager)[-1], "it comes up")
    assert "UP" in (case.server.link(LXD2) or {"flags": []})["flags"]


def test_an_address_that_comes_late_to_a_machine_with_a_name(case: Case, manager: Manager) -> None:
    """The bridge is there for guests meanwhile."""
    own_config(case.server, f'[node]\nname = "lxd1"\n\n{BASE}')
    case.server.sh("ip addr flush dev eth0; ip link set eth0 down")
    start(case.server, **manager.environment())
    manager.wait(lambda said: READY in said, "it is ready")
    assert "UP" in (case.server.link("vxbr0") or {"flags": []})["flags"]
    assert "192.0.2.1 isn't on any interface yet" in statuses(manager)[-1]
    case.server.sh("ip link set eth0 up; ip addr add 192.0.2.1/24 dev eth0")
    manager.wait(lambda _: "in sync" in statuses(manager)[-1], "all is there")
    assert "UP" in (case.server.link(LXD2) or {"flags": []})["flags"]
