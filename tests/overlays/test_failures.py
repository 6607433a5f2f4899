"""What befalls one overlay of a server leaves the others alone, and is over when its cause is."""

import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.daemon.daemon_view import Metrics, metrics
from tests.lab import Server, eventually
from tests.overlays.guests import OVERLAYS, Estate, config, estate, without
from vxland.identity import TABLE, pair_vni

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

VICTIM = OVERLAYS["web"]
PORT = 4790
OTHERS = [name for name in OVERLAYS if name != VICTIM.name]


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    with estate(tmp_path_factory.mktemp("overlays")) as made:
        yield made


@contextmanager
def port_taken(six: Estate) -> Iterator[None]:
    """By another program's socket."""
    with six.server.entered():
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with taken:
        taken.bind(("0.0.0.0", PORT))
        yield


@contextmanager
def bridge_no_bridge(six: Estate) -> Iterator[None]:
    """Something else has its name."""
    (guest,) = (g for g in six.guests[VICTIM.name] if g.server is six.server)
    six.server.sh(f"ip link del {VICTIM.bridge}; ip link add {VICTIM.bridge} type veth")
    yield
    six.server.sh(f"ip link del {VICTIM.bridge}")
    eventually(lambda: six.server.link(VICTIM.bridge), "vxland makes it anew")
    guest.attach()


@contextmanager
def vni_held(six: Estate) -> Iterator[None]:
    """By a device of somebody's."""
    vni = pair_vni(VICTIM.name, "lxd1", "lxd2")
    six.server.sh(f"ip link add theirs type vxlan id {vni} dstport {PORT} remote 192.0.2.99")
    yield
    six.server.sh("ip link del theirs")


@contextmanager
def guard_owned(six: Estate) -> Iterator[None]:
    """Its table is another program's."""
    command = six.server.command("nft", "-i")
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as owner:
        assert owner.stdin is not None
        print(f"add table {TABLE} {{ flags owner; }}", file=owner.stdin, flush=True)
        eventually(lambda: TABLE in six.server.sh("nft list tables"), "somebody owns the table")
        yield


@contextmanager
def hazard(six: Estate) -> Iterator[None]:
    """Somebody's tunnel is in its bridge."""
    add = "ip link add theirs type vxlan id 9 dstport 9999 remote 192.0.2.99"
    six.server.sh(f"{add}; ip link set theirs master {VICTIM.bridge}")
    yield
    six.server.sh("ip link del theirs")


CAUSES: dict[str, tuple[Callable[[Estate], AbstractContextManager[None]], str]] = {
    "port": (port_taken, "failed"),
    "bridge": (bridge_no_bridge, "conflict"),
    "vni": (vni_held, "conflict"),
    "guard": (guard_owned, "failed"),
    "hazard": (hazard, "hazard"),
}


def in_sync(server: Server) -> dict[str, bool]:
    """By overlay, as the status says."""
    return {o["name"]: o["in_sync"] for o in server.status().get("overlays", [])}


def kinds(server: Server) -> set[tuple[str, str]]:
    """What kind of problem there is, and in which overlay; hints apart."""
    problems = server.status().get("problems", [])
    return {(p["overlay"], p["kind"]) for p in problems if p["kind"] != "hint"}


def told(seen: Metrics) -> dict[str, bool]:
    """By overlay, as the metrics say."""
    return {name: bool(seen("vxland_overlay_in_sync", overlay=name)) for name in OVERLAYS}


@pytest.mark.parametrize("cause", CAUSES)
def test_one_overlays_failure_leaves_the_others_alone(six: Estate, cause: str) -> None:
    """They are in sync and forward meanwhile; it comes back by itself."""
    make, kind = CAUSES[cause]
    server = six.server
    server.configure(without(VICTIM.name))
    expected = {name: name != VICTIM.name for name in OVERLAYS}
    with make(six):
        server.write(config())
        assert server.ask("reload")["errors"] == []
        eventually(
            lambda: (VICTIM.name, kind) in kinds(server),
            lambda: f"a {kind}; there is {kinds(server)}; it logged:\n{server.tail()}",
        )
        eventually(lambda: in_sync(server) == expected, lambda: f"{in_sync(server)}")
        seen = metrics(server)
        assert told(seen) == expected
        assert seen("vxland_problems", overlay=VICTIM.name, kind=kind) >= 1
        assert {overlay for overlay, _ in kinds(server)}.isdisjoint(OTHERS)
        assert "NOT in sync" in server.vxland("status").stdout
        six.assert_apart(OTHERS)
    eventually(server.in_sync, lambda: f"it comes back; it logged:\n{server.tail()}", patience=120)
    six.reached()
    six.assert_apart()
