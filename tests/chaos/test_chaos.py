"""A minute of chaos, always of one seed; ten are scripts/chaos, with another each time."""

from pathlib import Path

import pytest

from tests.chaos.deeds import VANDALS, blows
from tests.chaos.node import NODES
from tests.chaos.run import chaos
from tests.lab import Listener, Site, broadcast, eventually
from tests.lab.site import ADDRESS

SECONDS = 60
SEED = 8


@pytest.mark.kernel
@pytest.mark.daemon
@pytest.mark.usefixtures("laboratory")
@pytest.mark.timeout(300)
def test_all_comes_right(tmp_path: Path) -> None:
    """Five nodes are as before within seconds, nothing came twice, nothing foreign is lost."""
    outcome = chaos(tmp_path, SEED, SECONDS)
    print(outcome.line())
    assert outcome.wrong == []
    assert outcome.kills > 0
    assert all(outcome.deeds.values()), outcome.deeds


def test_the_seed_replays_it() -> None:
    """The same deeds for the same seed, to daemons too, and others for another."""
    for vandal in VANDALS:
        deeds = list(vandal.deeds(1, SECONDS))
        assert deeds == list(vandal.deeds(1, SECONDS))
        assert deeds != list(vandal.deeds(2, SECONDS))
    befalls = list(blows(1, SECONDS))
    assert befalls == list(blows(1, SECONDS))
    assert befalls != list(blows(2, SECONDS))


def test_one_guard_is_left() -> None:
    """No node is done out of its rules and of its isolation: a storm then would be the test's."""
    for node in NODES:
        scripts = "\n".join(script for vandal in VANDALS for script in vandal.scripts(node))
        assert ("isolated" in scripts) != ("ebtables" in scripts), node
        assert ("ip link set $T name" in scripts) == node.loses_rules, node
        assert f"remote {ADDRESS.format(node.number)}\n" not in f"{scripts}\n", node


@pytest.mark.kernel
@pytest.mark.daemon
@pytest.mark.usefixtures("laboratory")
def test_a_tunnel_to_its_own_node_hands_frames_back(tmp_path: Path) -> None:
    """That is why no vandal makes one: the kernel passes guards by, until it is put right."""
    with Site(tmp_path, 2, prefix="mirror") as site:
        site.start()
        one, other = site.add_containers()
        (server, _) = site.servers
        with Listener(one) as at_home, Listener(other) as away:

            def back_when_it_comes_to(listener: Listener) -> int:
                flows: list[int] = []

                def came() -> bool:
                    flows.append(broadcast(one))
                    return any(map(listener.arrived, flows))

                eventually(came, "a broadcast arrives", pause=0.1)
                return sum(map(at_home.arrived, flows))

            assert back_when_it_comes_to(away) == 0
            server.stop(kill=True)
            server.sh(f"ip link set vxl-lan-lxd2 type vxlan remote {ADDRESS.format(1)}")
            assert back_when_it_comes_to(at_home) > 0
            server.start()
            server.settled()
            assert back_when_it_comes_to(away) == 0
