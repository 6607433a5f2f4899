"""Drift on the real kernel: each deed is undone, in place where it can be, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.daemon import strangers
from tests.daemon.daemon_view import Work, frozen, quiet, work
from tests.daemon.kernel_view import (
    Snapshot,
    assert_equal,
    eventually_equal,
    has_addresses,
    rules,
    snapshot,
    without_own,
)
from tests.daemon.vandalism import (
    OTHER,
    TO_A_TUNNEL,
    TO_THE_BRIDGE,
    TO_THE_RULES,
    B,
    T,
    Vandalism,
)
from tests.lab import Namespace, Server, Site, eventually
from tests.lab.site import HEAD, config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

TUNNEL, SECOND, BRIDGE = "vxl-lan-lxd2", "vxl-lan-lxd3", "vxbr0"
NAMES = {"T": TUNNEL, "OTHER": SECOND, "PEER": "192.0.2.2", "B": BRIDGE}
# Without the interval: it must be the events that tell.
OVERLAY = f"""\
[reconcile]
interval = "24h"

{HEAD}
addresses = ["10.10.10.1/24"]
reattach = true
"""


@dataclass
class Scene:
    """A server with a daemon, other people's things on it, and how it looks when left alone."""

    server: Server
    elsewhere: Namespace
    control: Namespace  # has the same foreign rules and no vxland
    before: Snapshot
    work: Work
    spoiled: bool = False  # a test ended halfway


@contextmanager
def staged(folder: Path) -> Iterator[Scene]:
    """One server of four, whose peers needn't answer."""
    with ExitStack() as stack:
        elsewhere, control = Namespace("elsewhere"), Namespace("control")
        stack.callback(elsewhere.delete)
        stack.callback(control.delete)
        (server,) = stack.enter_context(Site(folder, 1)).servers
        server.sh(strangers.ELSEWHERE)
        strangers.write_rules(server)
        strangers.write_rules(control)
        server.write(config(range(1, 5), OVERLAY))
        server.start()
        server.sh(strangers.IN_THE_BRIDGE)
        eventually(lambda: has_addresses(server), "the kernel's own addresses are there")
        done = quiet(server)
        yield Scene(server, elsewhere, control, snapshot(server), done)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Scene]]:
    """The scene, set anew where a test left it spoiled."""
    with ExitStack() as stack:
        scenes: list[Scene] = []

        def current() -> Scene:
            if not scenes or scenes[-1].spoiled:
                stack.close()
                folder = tmp_path_factory.mktemp("drift")
                scenes.append(stack.enter_context(staged(folder)))
            return scenes[-1]

        yield current


@pytest.fixture
def scene(stage: Callable[[], Scene]) -> Scene:
    """A server in sync and quiet."""
    return stage()


def restore_foreign_rules(scene: Scene) -> None:
    """Make good what a deed did to other people's rules."""
    for namespace in (scene.server, scene.control):
        if without_own(rules(namespace)) != without_own(scene.before.rules):
            strangers.rewrite_rules(namespace)


def assert_restored(scene: Scene, remade: frozenset[str]) -> None:
    """The kernel is as before, only these devices were made anew, and the daemon is quiet."""
    server, before = scene.server, scene.before
    eventually_equal(before.still, lambda: snapshot(server).still, server.tail)
    server.ask("reload")  # a turn, that tells at once what was mended
    scene.work = quiet(server)
    after = snapshot(server)
    assert_equal(before.still, after.still)
    anew = {name for name, index in after.indexes.items() if before.indexes[name] != index}
    assert remade == anew
    assert_equal(before.of(strangers.NAMES), after.of(strangers.NAMES))
    assert {"lo"} == snapshot(scene.elsewhere).links.keys()
    scene.before, scene.spoiled = after, False


def assert_idle(scene: Scene) -> None:
    """Nothing was done since all was restored (the kernel's late link events make it look)."""
    assert scene.work.operations == work(scene.server).operations


def vandalise(scene: Scene, deed: Vandalism) -> None:
    """Do it behind the daemon's back, all of it, and see that it had an effect."""
    assert_idle(scene)
    scene.spoiled = True
    with frozen(scene.server):
        scene.server.sh(deed.script(**NAMES))
        assert scene.before != snapshot(scene.server)


def devices(deed: Vandalism) -> frozenset[str]:
    """The devices that a deed leaves nothing of to mend."""
    names = {T: TUNNEL, OTHER: SECOND, B: BRIDGE}
    return frozenset(names[name] for name in deed.remade)


@pytest.mark.parametrize("name", TO_A_TUNNEL)
def test_tunnel_is_restored(scene: Scene, name: str) -> None:
    """What is done to a tunnel is undone; no other device is made anew."""
    vandalise(scene, TO_A_TUNNEL[name])
    assert_restored(scene, devices(TO_A_TUNNEL[name]))


def test_a_tunnel_bound_to_the_device_that_leads_to_its_peer_stays(scene: Scene) -> None:
    """Nothing goes another way by that, so making it anew would only interrupt; as an adopted one.

    Bound to any other, it is made anew.
    """
    server, before = scene.server, scene.before
    with frozen(server):
        scene.spoiled = True
        server.sh(f"ip link set {TUNNEL} down && ip link set {TUNNEL} type vxlan dev eth0")
    eventually(lambda: "UP" in snapshot(server).links[TUNNEL]["flags"], "it is up again")
    quiet(server)
    after = snapshot(server)
    assert after.links[TUNNEL]["linkinfo"]["info_data"]["link"] == "eth0"
    assert after.indexes == before.indexes
    assert after.links.keys() == before.links.keys()
    server.sh(f"ip link set {TUNNEL} type vxlan dev brother0")
    assert_restored(scene, frozenset({TUNNEL}))


@pytest.mark.parametrize("name", TO_THE_BRIDGE)
def test_bridge_is_restored(scene: Scene, name: str) -> None:
    """What is done to the bridge is undone; the ports of others are in it again."""
    vandalise(scene, TO_THE_BRIDGE[name])
    assert_restored(scene, devices(TO_THE_BRIDGE[name]))


@pytest.mark.parametrize("name", TO_THE_RULES)
def test_guard_is_restored(scene: Scene, name: str) -> None:
    """Chain and jump are as before; of other people's rules is left what the deed leaves."""
    vandalise(scene, Vandalism(TO_THE_RULES[name]))
    scene.control.sh(f"{{ {TO_THE_RULES[name]}; }} || true", check=False)
    own = tuple(line for line in scene.before.rules if "VXLAND" in line)
    eventually_equal(own, lambda: tuple(line for line in rules(scene.server) if "VXLAND" in line))
    scene.work = quiet(scene.server)
    left = rules(scene.server)
    assert own == tuple(line for line in left if "VXLAND" in line)
    first = next(line for line in left if line.startswith("-A FORWARD"))
    assert first == "-A FORWARD -i vxl-+ -o vxl-+ -j VXLAND"
    assert without_own(rules(scene.control)) == without_own(left)
    with frozen(scene.server):
        restore_foreign_rules(scene)
    assert_restored(scene, frozenset())


def test_nothing_went_on(scene: Scene) -> None:
    """After all of it the daemon is as quiet as after the start, and saw no fight."""
    assert_idle(scene)
    assert_equal(scene.before, snapshot(scene.server))
    assert "fight" not in scene.server.log.read_text()
