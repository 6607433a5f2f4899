"""The situations that the page must tell well."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.page.samples import (
    HOUR,
    MADE,
    Json,
    about,
    event,
    history,
    missing,
    names,
    overlay,
    problem,
    status,
    tunnel,
)


@dataclass(slots=True)
class Story:
    """What both APIs answer."""

    status: Json
    events: list[Json] = field(default_factory=list)


HELD = problem(
    "conflict",
    "the name vxl-lan-lxd3, wanted for the tunnel to lxd3, is held by a dummy device, which isn't"
    " vxland's",
    "Remove it, or give it another name: ip link del vxl-lan-lxd3",
    **about("lxd3"),
)
TOO_LARGE = problem(
    "hint",
    "the MTU of guests in bridge vxbr0 is larger than the 1450 of overlay lan: veth1 (1500). Their"
    " large packets vanish on the way to other servers",
    "Inside the guest: ip link set eth0 mtu 1450 (or as its interface is called). Then here: ip"
    " link set veth1 mtu 1450. For good: give the guest an MTU of 1450 where it is configured",
    overlay="lan",
)
NOTHING = problem(
    "hint",
    "nothing to keep true: no [[overlay]] is configured",
    "Uncomment one and its [[peer]]s in the configuration, see vxland.toml(5)",
)


def three() -> Story:
    """All is well."""
    return Story(status(overlay(tunnel(peer) for peer in names(3))), history())


def two() -> Story:
    """The smallest mesh."""
    return Story(status(overlay(tunnel(peer) for peer in names(2))), history())


def fifty() -> Story:
    """All is well, and there are more."""
    return Story(status(overlay(tunnel(peer) for peer in names(50))), history())


def fifty_broken() -> Story:
    """Two of fifty."""
    tunnels = [tunnel(peer) for peer in names(50)]
    tunnels[16] = missing(tunnels[16]["peer"])
    tunnels[40] |= {"state": "down", "running": False, "in_sync": False, "since": time.time() - 90}
    return Story(status(overlay(tunnels), in_sync=False), history())


def thousand() -> Story:
    """All is well, on a large scale."""
    return Story(status(overlay(tunnel(peer) for peer in names(1000))), history())


def thousand_broken() -> Story:
    """Some of a thousand, in every way."""
    tunnels = [tunnel(peer) for peer in names(1000)]
    for index in (41, 416, 700, 701, 702):
        tunnels[index] = missing(tunnels[index]["peer"])
    tunnels[99] |= {"running": False}
    return Story(status(overlay(tunnels, waiting=["far-away"]), in_sync=False), history())


def thousand_gone() -> Story:
    """All of a thousand: somebody pulled the plug."""
    return Story(status(overlay(missing(peer) for peer in names(1000))), history())


def since_unknown() -> Story:
    """More than are told singly, and nobody remembers since when."""
    return Story(status(overlay(missing(peer, since=None) for peer in names(6))))


def broken() -> Story:
    """One of three is broken, by something that isn't vxland's; and there is a hint."""
    failed = event(
        6,
        "failed",
        300,
        **about("lxd3"),
        found="create vxl-lan-lxd3 to lxd3: File exists",
        count=7,
        seconds=0.003,
    )
    told = event(7, "problem", 312, **about("lxd3"), found=HELD["text"])
    tunnels = [tunnel("lxd2"), missing("lxd3"), tunnel("lxd4", host="four.example.net")]
    tunnels[0]["last_repair"] = {"what": MADE, "at": time.time() - 5 * HOUR}
    tunnels[2]["traffic"] |= {"receive_errors": 12, "transmit_drops": 3}
    return Story(status(overlay(tunnels), problems=[HELD, TOO_LARGE]), history(failed, told))


def many_ways() -> Story:
    """Several overlays, and something wrong with each."""
    lan = overlay(
        [
            tunnel("lxd2"),
            missing("lxd3", pending=["create vxl-lan-lxd3 to lxd3 (198.51.100.3, VNI 4711)"]),
            tunnel("lxd4", state="down", running=False, in_sync=False, since=time.time() - 100),
            tunnel(
                "lxd5",
                in_sync=False,
                since=time.time() - 2,
                pending=["set the MTU of vxl-lan-lxd5 to 1450"],
            ),
            tunnel("lxd6", running=False),
        ],
        waiting=["lxd9"],
        ports={"count": 4, "too_large": ["veth1"], "isolated": ["veth2"]},
    )
    backup = overlay(
        [tunnel("lxd2", "backup"), tunnel("lxd3", "backup")],
        "backup",
        bridge_state="missing",
        in_sync=False,
        guards_seen=False,
    )
    problems = [
        problem(
            "waiting",
            "peer lxd9: lxd9.example.net has no address yet",
            "Nothing, if it still comes",
            **about("lxd9"),
        ),
        problem(
            "hazard",
            "gre0 (gretap) in bridge vxbr0 is a tunnel that isn't vxland's: frames could loop, so"
            " vxland's ports there are down",
            "Take it out (ip link set gre0 nomaster), or, if it can't loop, allow it:"
            ' allow_tunnel_ports = ["gre0"] in overlay lan',
            overlay="lan",
            device="gre0",
        ),
        problem(
            "guard",
            "overlay backup wants the guard ebtables: ebtables isn't installed",
            "Install it: apt install iptables",
            overlay="backup",
        ),
        TOO_LARGE,
    ]
    fixed = event(6, ago=100, **about("lxd4"), found="down", done="bring vxl-lan-lxd4 up")
    return Story(status(lan, backup, problems=problems), history(fixed))


def nothing() -> Story:
    """Freshly installed."""
    return Story(status(problems=[NOTHING]), [event(1, "started", 60)])


def refused() -> Story:
    """The last change of the configuration isn't in force."""
    story = three()
    story.status["config"] |= {
        "errors": [
            "/etc/vxland.toml: peer[2].address: 198.51.100.300 is no address",
            "/etc/vxland.toml: overlay[0].gaurd: unknown key: did you mean guard?",
        ],
        "refused_at": time.time() - 120,
    }
    story.events.append(event(6, "config_refused", 120, found="2 errors in /etc/vxland.toml"))
    return story


def error() -> Story:
    """The kernel can't be looked at."""
    return Story({"error": "the first check isn't over yet"})


def nasty() -> Story:
    """Names and texts that would be markup, or break the layout."""
    name = "<img src=x onerror=alert(1)>"
    bad = missing(name, device="<b>vxl</b>", address="2001:db8:1234:5678:9abc:def0:1234:5678")
    wrong = problem(
        "failed", "<script>alert(2)</script>", "`<i>ip</i>` & so on", overlay="lan", peer=name
    )
    long = tunnel("p" * 63)
    told = event(1, "failed", overlay="lan", peer=name, found="<svg onload=alert(3)>", who="<u>x")
    hint = problem("hint", "<a href='javascript:alert(4)'>x</a>")
    config = {"path": "<p>", "digest": "", "loaded_at": 0.0, "errors": ["<h1>"], "refused_at": None}
    overlays = overlay([bad, long]) | {"bridge": "<br>"}
    return Story(status(overlays, problems=[wrong, hint], config=config, node="<em>me"), [told])


STORIES: dict[str, Callable[[], Story]] = {
    story.__name__: story
    for story in (
        three,
        two,
        fifty,
        fifty_broken,
        thousand,
        thousand_broken,
        thousand_gone,
        since_unknown,
        broken,
        many_ways,
        nothing,
        refused,
        error,
        nasty,
    )
}
