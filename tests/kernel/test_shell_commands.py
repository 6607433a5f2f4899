"""The commands of ``vxland.shell`` against ``vxland.execution``, in twin network namespaces.

Each scenario runs in a process with a mount namespace and a /run of its own (this file, started as
a program), so that whatever happens its namespaces go when it ends.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from ipaddress import ip_interface
from pathlib import Path
from typing import Any, cast

import pytest
from pyroute2 import netns

from vxland import operations as ops
from vxland.execution import execute
from vxland.kernel.linux import LinuxKernel
from vxland.observed import Observed
from vxland.peers import addresses
from vxland.plan import Plan, plan, plan_teardown
from vxland.resolve import resolve
from vxland.settings import Df, OverlaySettings, PeerSettings, Settings, VniScheme, VxlanOptions
from vxland.shell import commands

pytestmark = pytest.mark.kernel

PRIVATE = ("unshare", "--mount", "--net", "--propagation", "private")
LIMIT = 60.0  # seconds for a scenario, which takes one or two
SETTLING = 10.0  # seconds for what the kernel does later by itself: carrier, link-local addresses

UNDERLAY = """
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
ip link set lo up
ip link add u0 address 02:00:00:00:00:01 type veth peer name u1 address 02:00:00:00:00:02
ip link add g0 address 02:00:00:00:00:03 type veth peer name g1 address 02:00:00:00:00:04
ip address add 203.0.113.1/24 dev u0
ip address add 2001:db8::1/64 dev u0 nodad
ip link set u0 up
ip link set u1 up
"""

LAN = OverlaySettings(
    "lan", "vxbr0", addresses=(ip_interface("10.1.0.1/24"), ip_interface("fd00:1::1/64"))
)
NUMBERED = replace(LAN, vni=VniScheme.INDEX, options=VxlanOptions(learning=True))
SECOND = OverlaySettings("two", "vxbr2", vni=VniScheme.INDEX)
V4 = tuple(PeerSettings(name, f"203.0.113.{n}") for n, name in enumerate("abcd", 1))
V6 = tuple(PeerSettings(name, f"2001:db8::{n}") for n, name in enumerate("abcd", 1))
MESH = Settings(overlays=(LAN,), peers=V4)
MESH6 = Settings(overlays=(LAN,), peers=V6)
TWO = Settings(overlays=(LAN, SECOND), peers=V4)
FLOOD = "00:00:00:00:00:00"


@dataclass(frozen=True)
class Scenario:
    """From a mesh that was made, through what somebody does to it, to what should be."""

    expects: tuple[type[ops.Operation], ...]  # among what is planned
    drift: str = ""
    before: Settings | None = MESH  # None: there is nothing
    after: Settings | None = MESH  # None: teardown
    planner: Callable[[Observed], Plan] | None = None


def mesh(overlay: OverlaySettings, peers: tuple[PeerSettings, ...] = V4) -> Settings:
    """A configuration with one overlay."""
    return Settings(overlays=(overlay,), peers=peers)


def options(**values: Any) -> Settings:  # noqa: ANN401 - VxlanOptions' own types
    """The mesh with other options."""
    return mesh(replace(LAN, options=VxlanOptions(**values)))


def guards(*names: str) -> Settings:
    """The mesh with these guards."""
    return mesh(replace(LAN, guards=names))


ANEW = (ops.CreateVtep, ops.SetAlias, ops.AddAltname, ops.NoLinkLocal, ops.Attach, ops.Isolate)
FRESH = (ops.CreateBridge, ops.AddAddress, ops.RaiseBridge, *ANEW, ops.WriteChain, ops.BringUp)
MOVED = (ops.TakeDown, ops.Attach, ops.Isolate, ops.BringUp)
NON_DEFAULT = {
    "ttl": options(ttl=64),
    "ttl_inherit": options(ttl_inherit=True),
    "tos": options(tos=0x10),
    "tos_inherit": options(tos=1),
    "df": options(df=Df.SET),
    "df_inherit": options(df=Df.INHERIT),
    "udp_csum": options(udp_csum=False),
    "ageing": options(ageing=100),
    "learning": options(learning=True),
}
OTHERS = VxlanOptions(ttl=64, tos=1, df=Df.SET, ageing=100, learning=True)

# What somebody may do to a mesh, and what mends it.
DRIFTS: dict[str, tuple[str, tuple[type[ops.Operation], ...]]] = {
    "alias": ('ip link set dev vxl-lan-b alias "it\'s mine"', (ops.SetAlias,)),
    "altname": ("ip link property del dev vxl-lan-b altname vxland-lan+b", (ops.AddAltname,)),
    "other's altname": (
        "ip link property add dev vxl-lan-b altname 'vxland-lan+ x'",
        (ops.RemoveAltname,),
    ),
    "mac": ("ip link set dev vxl-lan-b address 02:11:11:11:11:11", (ops.SetMac,)),
    "mtu": ("ip link set dev vxl-lan-b mtu 1400", (ops.SetMtu,)),
    "link-local": ("ip link set dev vxl-lan-b addrgenmode eui64", (ops.NoLinkLocal,)),
    "remote": (
        "ip link set dev vxl-lan-b type vxlan remote 203.0.113.77",
        (ops.SetRemote, ops.AppendFlood, ops.RemoveFdb),
    ),
    "local": ("ip link set dev vxl-lan-b type vxlan local 203.0.113.77", (ops.SetLocal,)),
    "options": (
        "ip link set dev vxl-lan-b type vxlan ttl 7 tos 0x20 df set learning ageing 77",
        (ops.SetOption,),
    ),
    "flood lost": (
        f"bridge fdb del {FLOOD} dev vxl-lan-b dst 203.0.113.2 self",
        (ops.AppendFlood,),
    ),
    "flood added": (
        f"bridge fdb append {FLOOD} dev vxl-lan-b dst 203.0.113.9 self\n"
        f"bridge fdb append {FLOOD} dev vxl-lan-b dst 203.0.113.9 port 77 vni 7 via u0 self",
        (ops.RemoveFdb,),
    ),
    "static entries": (
        "bridge fdb add 02:22:22:22:22:22 dev vxl-lan-b dst 203.0.113.9 self static\n"
        "bridge fdb add 02:22:22:22:22:23 dev vxl-lan-b dst 203.0.113.9 self dynamic",
        (ops.RemoveFdb,),
    ),
    "down": ("ip link set dev vxl-lan-b down", (ops.BringUp,)),
    "not in the bridge": ("ip link set dev vxl-lan-b nomaster", MOVED),
    "in another bridge": (
        "ip link add other address 02:33:33:33:33:33 type bridge\n"
        "ip link set dev vxl-lan-b master other",
        MOVED,
    ),
    "not isolated": ("bridge link set dev vxl-lan-b isolated off", (ops.Isolate,)),
    "renamed": (
        "ip link set dev vxl-lan-b down\nip link set dev vxl-lan-b name 'a$b'\nip link set a$b up",
        (ops.Rename, ops.BringUp),
    ),
    "deleted": ("ip link del vxl-lan-b", ANEW),
    "moved away": (
        "ip netns add away-$TWIN\nip link set vxl-lan-b netns away-$TWIN",
        (ops.DeleteAbroad, *ANEW),
    ),
    "other VNI": (
        "ip link del vxl-lan-b\n"
        "ip link add vxl-lan-b type vxlan id 5 remote 203.0.113.2 dstport 4789\n"
        "ip link set vxl-lan-b alias vxland:lan:b",
        (ops.DeleteLink, *ANEW),
    ),
    "half made": (
        "ip link add odd group 1987603556 type vxlan id 6 remote 203.0.113.6 dstport 4789",
        (ops.DeleteLink,),
    ),
    "someone's tunnel": (
        "ip link add vx9 address 02:44:44:44:44:44 type vxlan id 9 dstport 4789\n"
        "ip link set vx9 master vxbr0 up",
        (ops.TakeDown,),
    ),
    "bridge down": ("ip link set dev vxbr0 down", (ops.RaiseBridge,)),
    "bridge renamed": (
        "ip link set dev vxbr0 down\nip link set dev vxbr0 name br9\nip link set dev br9 up",
        (ops.TakeDown, ops.Rename, ops.RaiseBridge),
    ),
    "bridge deleted": ("ip link del vxbr0", (ops.CreateBridge, *MOVED)),
    "bridge's marks": (
        "ip link set dev vxbr0 alias ''\nip link set dev vxbr0 address 02:55:55:55:55:55 mtu 1300",
        (ops.SetAlias, ops.SetMac, ops.SetMtu),
    ),
    "bridge's altname": ("ip link property del dev vxbr0 altname vxland-lan", (ops.AddAltname,)),
    "address": ("ip address del 10.1.0.1/24 dev vxbr0", (ops.AddAddress,)),
    "chain emptied": ("ebtables -F", (ops.WriteChain,)),
    "chain deleted": ("ebtables -F\nebtables -X", (ops.WriteChain,)),
    "chain's policy": ("ebtables -P VXLAND ACCEPT", (ops.WriteChain,)),
    "jump second": ("ebtables -I FORWARD -p ARP -j ACCEPT", (ops.WriteChain,)),
    "jump doubled": ("ebtables -A FORWARD -j VXLAND", (ops.WriteChain,)),
    "guest named alike": (
        "ip link set g0 name vxl-guest\nip link set vxl-guest master vxbr0 up",
        (ops.WriteChain,),
    ),
}

SCENARIOS: dict[str, Scenario] = {
    "fresh, IPv4": Scenario(FRESH, before=None),
    "fresh, IPv6": Scenario(FRESH, before=None, after=MESH6),
    "fresh, by index": Scenario(FRESH, before=None, after=mesh(NUMBERED)),
    "fresh, in others' bridge": Scenario(
        (ops.AddAddress, *ANEW, ops.BringUp),
        "ip link add vxbr0 address 02:66:66:66:66:66 type bridge\nip link set vxbr0 up",
        before=None,
    ),
    **{
        f"fresh, {name}": Scenario(FRESH, before=None, after=after)
        for name, after in NON_DEFAULT.items()
    },
    **{name: Scenario(expects, drift) for name, (drift, expects) in DRIFTS.items()},
    "remote, IPv6": Scenario(
        (ops.SetRemote, ops.SetLocal, ops.AppendFlood, ops.RemoveFdb),
        "ip link set dev vxl-lan-b type vxlan remote 2001:db8::77 local 2001:db8::78",
        before=MESH6,
        after=MESH6,
    ),
    "options changed": Scenario((ops.SetOption,), after=mesh(replace(LAN, options=OTHERS))),
    "options changed back": Scenario((ops.SetOption,), before=mesh(replace(LAN, options=OTHERS))),
    "ttl no longer inherited": Scenario((ops.DeleteLink, *ANEW), before=options(ttl_inherit=True)),
    "other family": Scenario((ops.DeleteLink, *ANEW), after=MESH6),
    "peer removed": Scenario((ops.DeleteLink,), after=mesh(LAN, V4[:3])),
    "peer removed, by index": Scenario(
        (ops.DeleteLink, *ANEW), before=mesh(NUMBERED), after=mesh(NUMBERED, (V4[0], *V4[2:]))
    ),
    "overlay removed": Scenario((ops.DeleteLink,), before=TWO),
    "bridge renamed in the file": Scenario((ops.Rename,), after=mesh(replace(LAN, bridge="vxbr1"))),
    "addresses removed": Scenario(
        (ops.RemoveAddress,),
        before=mesh(replace(LAN, addresses=(*LAN.addresses, ip_interface("10.1.0.2/24")))),
        after=mesh(replace(LAN, addresses=())),
    ),
    "guard ebtables ends": Scenario((ops.RemoveChain,), after=guards("isolated")),
    "guard ebtables comes": Scenario((ops.WriteChain,), before=guards("isolated")),
    "guard isolated ends": Scenario((ops.Unisolate,), after=guards("ebtables")),
    "guard isolated comes": Scenario((ops.Isolate,), before=guards("ebtables")),
    "guards swap": Scenario(
        (ops.Isolate, ops.RemoveChain), before=guards("ebtables"), after=guards("isolated")
    ),
    "guard ebtables ends for one of two": Scenario(
        (ops.TrimChain,),
        before=TWO,
        after=Settings(overlays=(LAN, replace(SECOND, guards=("isolated",))), peers=V4),
    ),
    "guest put back": Scenario(
        (ops.Reattach,), planner=lambda _: Plan((ops.Reattach("lan", "g0", "vxbr0"),))
    ),
    "teardown": Scenario((ops.DeleteLink, ops.RemoveChain), before=TWO, after=None),
    "teardown, with a guest": Scenario(
        (ops.DeleteLink, ops.RemoveAddress, ops.RemoveChain),
        "ip link set g0 master vxbr0",
        after=None,
    ),
}


class Twin:
    """One of two network namespaces that are made alike."""

    def __init__(self, name: str) -> None:
        self.name = name
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.run("sh", "-e", script=UNDERLAY)

    def enter(self) -> None:
        """Make this the namespace of this process and of those it starts."""
        netns.setns(self.name, flags=0)

    def run(self, *command: str, script: str = "") -> str:
        """Run a command in this namespace and return what it prints."""
        self.enter()
        environment = {**os.environ, "TWIN": self.name, "LC_ALL": "C"}
        done = subprocess.run(
            command, input=script, stdout=subprocess.PIPE, text=True, check=True, env=environment
        )
        return done.stdout

    def planned(self, scenario: Scenario, kernel: LinuxKernel) -> Plan:
        """What is to be done here."""
        if scenario.planner:
            return scenario.planner(kernel.observe())
        return plan_for(kernel, scenario.after)

    def state(self) -> dict[str, Any]:
        """All that the tools show of it, without numbers and timers."""
        shown = {
            "links": ("ip", "-d", "-j", "link"),
            "addresses": ("ip", "-j", "address"),
            "entries": ("bridge", "-j", "fdb"),
            "ports": ("bridge", "-d", "-j", "link"),
        }
        state = {name: stable(json.loads(self.run(*command))) for name, command in shown.items()}
        rules = self.run("ebtables-save").splitlines()
        return {**state, "rules": [line for line in rules if not line.startswith("#")]}


def stable(shown: Any) -> Any:  # noqa: ANN401 - JSON
    """Without what differs between any two moments or namespaces; rows in an order of their own."""
    if isinstance(shown, dict):
        return {
            key: stable(value)
            for key, value in shown.items()
            if key not in ("ifindex", "link_index") and not key.endswith("_timer")
        }
    if isinstance(shown, list):
        return sorted((stable(value) for value in shown), key=repr)
    return shown


def plan_for(kernel: LinuxKernel, settings: Settings | None) -> Plan:
    """What leads to this configuration, or to nothing of vxland's."""
    if settings is None:
        return plan_teardown(kernel.observe(abroad=True))
    known = addresses(settings.peers)
    remotes = frozenset(known.values())
    desired = resolve(settings, known, kernel.host(remotes))
    return plan(kernel.observe(remotes, abroad=True), desired)


def carry_out(to_do: Plan, kernel: LinuxKernel) -> None:
    """Do it as the daemon does."""
    failures = [str(outcome.failure) for outcome in execute(to_do, kernel) if outcome.failure]
    if failures:
        sys.exit("\n".join(failures))


def play(scenario: Scenario) -> dict[str, Any]:
    """Play a scenario in both twins and tell how they are afterwards."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    subprocess.run(["mount", "-t", "tmpfs", "vxland-test", "/run"], check=True)
    twins = Twin("executed"), Twin("pasted")
    plans = []
    for twin in twins:
        twin.enter()
        with LinuxKernel() as kernel:
            if scenario.before:
                carry_out(plan_for(kernel, scenario.before), kernel)
            twin.run("sh", "-e", script=scenario.drift)
            plans.append(to_do := twin.planned(scenario, kernel))
            if twin.name == "executed":
                carry_out(to_do, kernel)
            else:
                twin.run("sh", "-e", script="\n".join(commands(to_do)) + "\n")
    states = settled(twins)
    left = []
    for twin in twins:
        twin.enter()
        with LinuxKernel() as kernel:
            left.append([str(op) for op in plan_for(kernel, scenario.after).operations])
    return {
        "planned": sorted({type(op).__name__ for op in plans[0].operations}),
        "plans": [[str(op) for op in to_do.operations] for to_do in plans],
        "states": states,
        "left": left,
    }


def settled(twins: Iterable[Twin]) -> list[dict[str, Any]]:
    """The twins' states, once they are the same, or never become so."""
    deadline = time.monotonic() + SETTLING
    while True:
        states = [twin.state() for twin in twins]
        if states[0] == states[1] or time.monotonic() > deadline:
            return states
        time.sleep(0.05)


def played(name: str) -> dict[str, Any]:
    """Play a scenario in a process and namespaces of its own."""
    if os.geteuid() != 0:
        pytest.fail("this needs root: it makes network namespaces")
    command = [*PRIVATE, sys.executable, str(Path(__file__)), name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (0, "") == (done.returncode, done.stderr if done.returncode else "")
    return cast("dict[str, Any]", json.loads(done.stdout))


@pytest.mark.parametrize("name", SCENARIOS)
def test_commands_do_what_the_daemon_does(name: str) -> None:
    """Twins, one mended by the daemon's code and one by the commands, come out alike and mended."""
    actual = played(name)
    wanted = {operation.__name__ for operation in SCENARIOS[name].expects}
    assert set() == wanted - set(actual["planned"])
    assert actual["plans"][0] == actual["plans"][1]
    executed, pasted = actual["states"]
    assert executed == pasted
    assert [[], []] == actual["left"]


def test_every_operation_is_played() -> None:
    """No class of operation is left out of the scenarios."""
    known = {
        value
        for value in vars(ops).values()
        if isinstance(value, type) and issubclass(value, ops.Operation)
    }
    assert known - {ops.Operation} == {o for s in SCENARIOS.values() for o in s.expects}


if __name__ == "__main__":
    print(json.dumps(play(SCENARIOS[sys.argv[1]])))
