"""The daemon as the user that the unit makes of it, side by side with root's commands."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.daemon.kernel_view import rules
from tests.daemon.service import (
    AS_USER,
    GID,
    UID,
    own_config,
    runtime_folder,
    start,
    start_and_settle,
)
from tests.lab import Container, Server, Site, eventually
from tests.lab.server import VXLAND
from tests.lab.site import HEAD, config
from tests.mtu.daemons import hint, no_hint

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

BASE = config([1, 2, 3], HEAD + 'guard = ["isolated", "ebtables"]\n')
AS_ANYBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
LXD2, LXD3 = "vxl-lan-lxd2", "vxl-lan-lxd3"


@pytest.fixture
def server() -> Iterator[Server]:
    """One of three, with a file that only root and the service's group may read."""
    folder = Path(tempfile.mkdtemp(prefix="vxland-test-"))
    try:
        folder.chmod(0o755)
        with Site(folder, 1) as site, runtime_folder():
            own_config(site.servers[0], BASE)
            yield site.servers[0]
    finally:
        shutil.rmtree(folder)


def vxland(server: Server, *words: str, as_: tuple[str, ...] = ()) -> CompletedProcess[str]:
    """A command, by root or by somebody else."""
    return server.run([*as_, str(VXLAND), *words, "--config", str(server.config)], check=False)


def index(server: Server, name: str) -> int:
    """Tells a device from one made anew under its name."""
    return int((server.link(name) or {"ifindex": 0})["ifindex"])


def is_isolated(server: Server) -> bool:
    """Whether the kernel keeps this port from the others."""
    link = server.link(LXD2) or {}
    return bool(link["linkinfo"]["info_slave_data"]["isolated"])


def test_the_service_is_what_the_unit_says(server: Server) -> None:
    """What the tests here rely on: no root, one capability, and no others to be seen."""
    start_and_settle(server)
    assert server.daemon is not None
    process = Path(f"/proc/{server.daemon.pid}")
    status = dict(
        line.split(":\t", 1)
        for line in (process / "status").read_text().splitlines()
        if ":\t" in line
    )
    assert status["Uid"].split() == [str(UID)] * 4
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {1 << 12}
    assert status["NoNewPrivs"] == "1"
    assert "hidepid=invisible" in (process / "mountinfo").read_text().splitlines()[-1]
    assert (process / "root/proc/sys/net").exists()


def test_drift_is_put_right(server: Server) -> None:
    """A deleted tunnel, flushed rules and a port that isn't isolated any more."""
    start_and_settle(server)
    before, ruled = index(server, LXD2), rules(server)
    assert any("VXLAND" in line for line in ruled)
    server.sh(f"ip link del {LXD2}")
    eventually(lambda: index(server, LXD2) not in (0, before), "the tunnel is back")
    server.settled()
    server.sh("ebtables -F")
    eventually(lambda: rules(server) == ruled, "the rules are back")
    server.settled()
    assert is_isolated(server)
    server.sh(f"bridge link set dev {LXD2} isolated off")
    eventually(lambda: is_isolated(server), "it is isolated again")
    assert index(server, LXD3)


def test_who_may_ask_for_what(server: Server) -> None:
    """The status is for everybody, a reload for root and the service's own user."""
    start_and_settle(server)
    for user in ((), AS_USER, AS_ANYBODY):
        status = vxland(server, "status", as_=user)
        assert (status.returncode, status.stderr) == (0, "")
        assert "in sync" in status.stdout
    own_config(server, BASE.replace("192.0.2.3", "192.0.2.33"))
    for user in (AS_USER, ()):
        assert vxland(server, "reload", as_=user).returncode == 0
    assert server.link(LXD3)["linkinfo"]["info_data"]["remote"] == "192.0.2.33"  # type: ignore[index]
    refused = vxland(server, "reload", as_=AS_ANYBODY)
    assert refused.returncode == 1
    assert "only root or the daemon's own user" in refused.stderr


def test_root_before_between_and_after(server: Server) -> None:
    """What root's commands leave under /run keeps the service from nothing."""
    assert vxland(server, "apply").returncode == 0
    start_and_settle(server)
    busy = vxland(server, "down")
    assert busy.returncode == 1
    assert server.daemon is not None
    assert f"process {server.daemon.pid}" in busy.stderr
    assert server.stop() == 0
    assert vxland(server, "down").returncode == 0
    assert server.link("vxbr0") is None
    server.start()  # root's own daemon, and its socket is left behind
    server.settled()
    server.stop(kill=True)
    start_and_settle(server)
    assert server.stop() == 0
    assert vxland(server, "down").returncode == 0


def test_what_root_makes_belongs_to_the_service(server: Server) -> None:
    """And everybody can find the socket, however strict root's umask is."""
    server.sh(f"umask 077; {VXLAND} apply --config {server.config}")
    for made in (server.runtime, server.runtime / "lock"):
        assert (made.stat().st_uid, made.stat().st_gid) == (UID, GID)
    assert server.runtime.stat().st_mode & 0o777 == 0o755


def link_for_lock(server: Server, victim: Path) -> None:
    server.runtime.mkdir()
    (server.runtime / "lock").symlink_to(victim)


def dangling_link_for_lock(server: Server, victim: Path) -> None:
    server.runtime.mkdir()
    (server.runtime / "lock").symlink_to(victim.with_name("made"))


def hard_link_for_lock(server: Server, victim: Path) -> None:
    server.runtime.mkdir()
    (server.runtime / "lock").hardlink_to(victim)


def pipe_for_lock(server: Server, victim: Path) -> None:
    del victim
    server.runtime.mkdir()
    os.mkfifo(server.runtime / "lock")


def link_for_folder(server: Server, victim: Path) -> None:
    server.runtime.symlink_to(victim.parent)


def state(victim: Path) -> tuple[object, ...]:
    """All about a file that could be harmed, and its folder."""
    here = victim.parent
    seen = [(found.st_uid, found.st_mode) for found in (victim.stat(), here.stat())]
    return (seen, victim.read_text(), sorted(here.iterdir()))


@pytest.mark.parametrize(
    "plant",
    [link_for_lock, dangling_link_for_lock, hard_link_for_lock, pipe_for_lock, link_for_folder],
    ids=lambda plant: plant.__name__,
)
def test_root_is_not_led_astray(server: Server, plant: Callable[[Server, Path], None]) -> None:
    """What the service's user plants where root comes by changes nothing elsewhere."""
    folder = Path(tempfile.mkdtemp(dir="/run"))  # hard links don't reach another file system
    victim = folder / "lock"
    victim.write_text("precious")
    victim.chmod(0o600)
    plant(server, victim)
    before = state(victim)
    for word in ("apply", "down", "run"):
        ended = vxland(server, word)
        assert ended.returncode == 1
        assert "can't be used: " in ended.stderr
        assert f"rm -r {server.runtime}" in ended.stderr
    assert state(victim) == before
    shutil.rmtree(folder)


def test_a_link_for_the_socket_is_replaced(server: Server) -> None:
    """It leads root's daemon nowhere."""
    victim = server.config.with_name("victim")
    victim.write_text("precious")
    victim.chmod(0o600)
    server.runtime.mkdir()
    (server.runtime / "control.sock").symlink_to(victim)
    server.start()
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("precious", 0o600)
    assert not (server.runtime / "control.sock").is_symlink()


@pytest.mark.parametrize("anew", [False, True], ids=["in place", "deleted first"])
def test_a_slow_writer_removes_no_peer(server: Server, *, anew: bool) -> None:
    """Half of a file that is valid and lacks a peer isn't taken, though others make it be read."""
    start_and_settle(server)
    before = index(server, LXD3)
    half, rest = BASE[: (cut := BASE.rindex("[[peer]]"))], BASE[cut:]
    drop_in = Path(f"{server.config}.d") / "10-more.toml"
    drop_in.parent.mkdir()
    if anew:
        server.config.unlink()
    with server.config.open("w") as writer:
        os.chown(server.config, 0, GID)
        writer.write(half)
        writer.flush()
        for number in range(5):  # a second
            drop_in.write_text(f"# {number}\n")
            refused = vxland(server, "reload")
            assert refused.returncode == 1
            assert "is being written" in refused.stderr
        assert index(server, LXD3) == before
        writer.write(rest)
    eventually(lambda: not server.status()["config"]["errors"], "the whole is in force")
    assert vxland(server, "reload").returncode == 0
    server.settled()
    assert index(server, LXD3) == before
    own_config(server, half)
    eventually(lambda: not index(server, LXD3), "a whole file that lacks the peer counts")


def test_who_holds_a_port_unseen(server: Server) -> None:
    """Others' processes can't be seen by the service, so it says how root sees them."""
    with server.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("0.0.0.0", 4789))
        start(server)
        eventually(server.status, "it answers")
        found = problem_of_both(server)
        assert "UDP port 4789 is held by a program that can't be seen from here" in found
        assert "(ss -ulnp 'sport = :4789' as root shows it)" in found
        holding = server.sh("ss -ulnpH 'sport = :4789'")
        assert f"pid={os.getpid()}" in holding


def problem_of_both(server: Server) -> str:
    """What it says of the first of two tunnels that can't come up for one reason."""
    eventually(lambda: server.status()["problems"], "it says so")
    return str(server.status()["problems"][0]["text"])


def test_the_table_needs_no_more_rights(server: Server) -> None:
    """It is made, owned, left behind and taken over; root's commands may remove it then."""
    own_config(server, BASE.replace('"ebtables"', '"nftables"'))
    list_it = "nft list table bridge vxland"
    start_and_settle(server)
    assert 'iifname "vxl-*" oifname "vxl-*" drop' in server.sh(list_it)
    assert "VXLAND" not in "".join(rules(server))
    owned = "flags owner" in server.sh(list_it)
    server.stop()
    assert "flags owner" not in server.sh(list_it)
    start_and_settle(server)
    assert ("flags owner" in server.sh(list_it)) == owned
    server.stop()
    assert vxland(server, "down").returncode == 0
    assert "vxland" not in server.sh("nft list tables")


def test_it_sees_what_containers_have(server: Server) -> None:
    """Its capability holds in their namespaces, too: a guest is told of whose port looks well."""
    own_config(server, '[reconcile]\ninterval = "1s"\n\n' + BASE)
    start_and_settle(server)
    guest = Container(server, 1)
    try:
        guest.sh("ip link set eth0 name lan0; ip link set lan0 mtu 1500")
        told = hint(server, "larger than the 1450 of overlay lan: veth1 (1500)")
        assert told["cure"].startswith("Inside the guest: ip link set lan0 mtu 1450. For good: ")
        guest.sh("ip link set lan0 mtu 1450")
        no_hint(server)
    finally:
        guest.delete()
