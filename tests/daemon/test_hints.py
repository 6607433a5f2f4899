"""Hints on a real bridge: they come, leave the node in sync, and go when what they say is done."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.daemon_view import problems, quiet
from tests.lab import Server, Site, eventually
from tests.lab.site import HEAD, config
from vxland.kernel import forward

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

# What is looked at only now and then, for as long as a look takes, is looked at again soon.
OFTEN = f'[reconcile]\ninterval = "1s"\n\n{HEAD}'
GUEST = "ip link add {0} type veth peer name g-{0}; ip link set {0} mtu {1} master vxbr0 up"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One of three, in sync."""
    with Site(tmp_path, 1) as site:
        site.start(config([1, 2, 3], OFTEN))
        yield site.servers[0]


def hint(server: Server, word: str) -> dict[str, Any]:
    """Wait for the hint with this word."""

    def found() -> list[dict[str, Any]]:
        return [p for p in problems(server, "hint") if word in p["text"]]

    eventually(found, lambda: f"a hint with {word}; there are {server.status()['problems']}")
    (only,) = found()
    return only


def gone(server: Server) -> None:
    """Wait until there is no hint; all this time the node was in sync."""
    eventually(lambda: not problems(server, "hint"), lambda: f"{server.status()['problems']}")
    assert server.in_sync()
    kinds = {event["kind"] for event in server.ask("events")["events"]}
    assert "failed" not in kinds


def command(cure: str, beginning: str) -> str:
    """The command of a cure that begins so."""
    return str(re.findall(rf"{beginning} [^,.]*", cure)[0])


def test_a_guests_mtu(server: Server) -> None:
    """A veth is born with 1500; the command in the cure mends it."""
    server.sh(GUEST.format("veth1", 1450))
    assert problems(server, "hint") == []
    server.sh(GUEST.format("veth2", 1500))
    said = hint(server, "MTU")
    assert "veth2 (1500)" in said["text"]
    assert (said["overlay"], said["since"] > 0) == ("lan", True)
    ports = server.status()["overlays"][0]["ports"]
    assert ports == {"count": 2, "too_large": ["veth2"], "isolated": []}
    server.sh(command(said["cure"], "ip link set veth2"))
    gone(server)


def test_an_isolated_guest(server: Server) -> None:
    """It reaches nobody else, until the command in the cure lets it."""
    server.sh(GUEST.format("veth1", 1450) + "; bridge link set dev veth1 isolated on")
    said = hint(server, "isolated")
    assert "veth1" in said["text"]
    server.sh(command(said["cure"], "bridge link set"))
    gone(server)


@pytest.mark.parametrize(
    ("before", "cure"),
    [
        ("true", "iptables -I FORWARD -i vxbr0 -o vxbr0 -j ACCEPT"),
        (
            "iptables-nft -N DOCKER-USER; iptables-nft -A FORWARD -j DOCKER-USER",
            "iptables -I DOCKER-USER -i vxbr0 -o vxbr0 -j ACCEPT",
        ),
        ("true", "sysctl -w net.bridge.bridge-nf-call-iptables=0"),
    ],
)
def test_a_forward_chain_that_drops(server: Server, before: str, cure: str) -> None:
    """Docker's, say; each command in the cure mends it."""
    if not forward.SWITCHES.exists():
        pytest.skip("this kernel has no br_netfilter, or its module isn't loaded")
    server.sh(f"{before}; iptables-nft -P FORWARD DROP")
    said = hint(server, "br_netfilter")
    assert "ip filter FORWARD" in said["text"]
    assert cure in said["cure"]
    server.sh(cure)
    server.ask("reload")  # of a sysctl nothing tells, but the interval
    gone(server)


def test_hints_cost_an_idle_daemon_nothing(server: Server) -> None:
    """With all of them there, it doesn't feed itself."""
    server.sh(GUEST.format("veth1", 1500) + "; bridge link set dev veth1 isolated on")
    server.sh("iptables-nft -P FORWARD DROP")
    hint(server, "isolated")
    hint(server, "MTU")
    eventually(lambda: quiet(server), "it is quiet")


def test_another_guest_makes_no_other_hint(server: Server) -> None:
    """Its text and cure change; the events and the journal tell of it once."""
    server.sh(GUEST.format("veth1", 1500))
    since = hint(server, "MTU")["since"]
    server.sh(GUEST.format("veth2", 1500))
    eventually(lambda: "veth2" in hint(server, "MTU")["text"], "it names both")
    assert hint(server, "MTU")["since"] == since
    told = [e for e in server.ask("events")["events"] if "MTU" in e["found"]]
    assert [event["count"] for event in told] == [1]
    assert server.log.read_text().count("hint: the MTU") == 1
    server.sh(command(hint(server, "MTU")["cure"], "for port in"))  # both at once
    gone(server)
