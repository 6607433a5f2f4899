"""Servers that run the script, as they are before vxland comes, and what mustn't change then."""

import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import permutations
from types import TracebackType
from typing import Self

from tests.daemon.kernel_view import without_own
from tests.lab import Container, Listener, Server, Site, Steady, drops, eventually
from tests.lab.site import ADDRESS, HEAD, config
from tests.scripts.vxlansetup import script, variables
from vxland.kernel.linux import LinuxKernel
from vxland.outlook import look
from vxland.plan import Plan

BRIDGE = "vxbr0"
NUMBERS = (1, 2, 3)
ENOUGH = 300  # frames of each flow before something is done, and after it
RATE = 1000  # a second
NOTHING = f"""
for link in $(ip -br link show type vxlan | cut -d' ' -f1); do ip link del $link; done
ip link del {BRIDGE} 2>/dev/null || true
ebtables -F
ebtables -X
nft delete table bridge vxland 2>/dev/null || true
"""
LOWEST = "02:00:00:00:00:{:02}"  # so that the bridge, whose MAC is its ports' lowest, has it too
# An administrator's own: a protocol, a stranger, one of the tunnels to another port.
THEIRS = (
    "-A INPUT -s 02:00:00:00:00:99 -j DROP",
    "-A FORWARD -p 0x88cc -j DROP",
    "-A FORWARD -i vxlan0 -o eth9 -j DROP",
)


def text(*, adopt: bool = False, **keys: object) -> str:
    """The file for all servers that means what their scripts mean, with these keys besides."""
    wanted = {"vni": "index", **({"adopt": True} if adopt else {}), **keys}
    lines = "".join(f"{key} = {_toml(value)}\n" for key, value in wanted.items())
    return config(NUMBERS, HEAD + lines)


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


def number_of(server: Server) -> int:
    """Its number, which its name ends with."""
    return int(server.name[-1])


def script_file(server: Server, prefix: str = "vxlan") -> str:
    """The server's own script, written where its configuration is; returns its path."""
    local = number_of(server)
    remotes = [ADDRESS.format(number) for number in NUMBERS if number != local]
    edited = variables(ADDRESS.format(local), remotes).replace("DEV=vxlan", f"DEV={prefix}")
    path = server.config.with_name("vxlansetup.sh")
    path.write_text(script(edited))
    return str(path)


def run_script(server: Server, prefix: str = "vxlan") -> None:
    """From whatever there was to what the script makes, with others' rules before and after."""
    server.stop(kill=True)
    server.sh(NOTHING)
    first, *others = THEIRS
    server.sh(f"ebtables {first}")
    server.run(["bash", "-e", script_file(server, prefix), "start"])
    server.sh(f"ip link set {prefix}0 address {LOWEST.format(number_of(server))}")
    for rule in others:
        server.sh(f"ebtables {rule}")


def await_calm(server: Server) -> None:
    """Wait until the kernel has given each device its IPv6 address, which takes a second or two."""
    eventually(
        lambda: all(
            any(address["scope"] == "link" for address in link["addr_info"])
            for link in server.json("ip -j address")
            if "LOWER_UP" in link["flags"] and "LOOPBACK" not in link["flags"]
        ),
        f"{server.name} has its link-local addresses",
    )


def planned(server: Server, *, adopt: bool = False) -> Plan:
    """What vxland would do there now."""
    with server.entered(), LinuxKernel() as kernel:
        return look(server.config, kernel, adopt=adopt).plan


@dataclass(frozen=True)
class Kept:
    """What is the same before adoption and after it, restarts included."""

    indexes: frozenset[int]
    bound: dict[int, str]  # tunnels, with the device that they are bound to
    mac: str  # the bridge's
    others: tuple[str, ...]  # rules that aren't the script's

    @classmethod
    def seen(cls, server: Server) -> Self:
        """As the tools show it."""
        links = {link["ifindex"]: link for link in server.json("ip -d -j link")}
        return cls(
            frozenset(links),
            {
                index: link["linkinfo"]["info_data"].get("link", "")
                for index, link in links.items()
                if link.get("linkinfo", {}).get("info_kind") == "vxlan"
            },
            next(link["address"] for link in links.values() if link["ifname"] == BRIDGE),
            tuple(rule for rule in rules(server) if not scripts_own(rule)),
        )


def rules(server: Server) -> tuple[str, ...]:
    """All of ebtables that isn't vxland's."""
    return without_own(server.sh("ebtables-save").splitlines())


def scripts_own(rule: str) -> bool:
    """Whether a rule is one of the script's, which go."""
    return re.fullmatch(r"-A FORWARD -i vx\w+ -o vx\w+ -j DROP", rule) is not None


class Traffic:
    """1,000 frames a second from each container to each other, and what came of them."""

    def __init__(self, containers: list[Container]) -> None:
        self._stack = ExitStack()
        self._before = drops()
        self.dropped = 0  # frames that a busy machine threw away meanwhile, whosever they were
        self._heard = {c.name: Listener(c) for c in containers}
        self._flows = {
            (one.name, other.name): Steady(one, self._heard[other.name].mac, RATE)
            for one, other in permutations(containers, 2)
        }

    def __enter__(self) -> Self:
        for worker in (*self._heard.values(), *self._flows.values()):
            self._stack.enter_context(worker)
        self.goes_on()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def goes_on(self) -> None:
        """Wait until each flow has sent enough more."""
        targets = {pair: flow.sent + ENOUGH for pair, flow in self._flows.items()}
        eventually(
            lambda: all(self._flows[pair].sent >= sent for pair, sent in targets.items()),
            "frames are sent",
        )

    def end(self) -> None:
        """Send no more, and wait until nothing is on its way."""
        self.goes_on()
        for flow in self._flows.values():
            flow.stop()
        counts = [-1]

        def still() -> bool:
            counts.append(sum(listener.seen.total() for listener in self._heard.values()))
            return counts[-1] == counts[-2]

        eventually(still, "nothing is on its way any more", pause=0.1)
        self.dropped = drops() - self._before

    def lost(self) -> dict[tuple[str, str], int]:
        """How many frames never came, of each flow that lost some."""
        lost = {pair: flow.lost(self._heard[pair[1]]) for pair, flow in self._flows.items()}
        return {pair: count for pair, count in lost.items() if count}

    def copies(self) -> int:
        """How often the frame came that came most often."""
        return max(self._heard[to].copies(f.number) for (_, to), f in self._flows.items())


def run_scripts(site: Site, prefixes: Mapping[str, str] = {}) -> None:
    """The script on every server, and a container behind each bridge, all reaching each other.

    ``prefixes`` are VXLAN_DEV by server, where it isn't as it is at first.
    """
    for server in site.servers:
        run_script(server, prefixes.get(server.name, "vxlan"))
    if not site.containers:
        site.attach_containers()
    for container in site.containers:
        container.server.sh(f"ip link set {container.port} master {BRIDGE}")
    site.all_reach()
