"""Plays a scenario in twin namespaces, mended by the daemon's code and by the commands.

A program, so that its namespaces go when it ends, however it ends.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from tests.kernel.shell_counting import COUNTING
from tests.kernel.shell_filtering import FILTERING
from tests.kernel.shell_scenarios import ELSEWHERE, SCENARIOS, Scenario
from tests.lab.namespaces import Namespace, own_mounts
from vxland.execution import execute
from vxland.kernel.linux import LinuxKernel
from vxland.peers import addresses
from vxland.plan import Plan, plan, plan_teardown
from vxland.resolve import resolve
from vxland.settings import Settings
from vxland.shell import commands

SETTLING = 20.0  # seconds for what the kernel does by itself later: carriers, link-local addresses
PAUSE = 0.05
UNDERLAY = """
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
ip link add u0 address 02:00:00:00:00:01 type veth peer name u1 address 02:00:00:00:00:02
ip link add g0 address 02:00:00:00:00:03 type veth peer name g1 address 02:00:00:00:00:04
ip address add 203.0.113.1/24 dev u0
ip address add 2001:db8::1/64 dev u0 nodad
ip link set u0 up
ip link set u1 up
"""
SHOWN = {
    "links": "ip -d -j link",
    "addresses": "ip -j address",
    "entries": "bridge -j fdb",
    "ports": "bridge -d -j link",
}


class Twin(Namespace):
    """One of the two."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.paste(UNDERLAY)

    def paste(self, script: str) -> None:
        """Paste lines into a shell that stops at the first one that fails."""
        shell = self.command("sh", "-e")
        subprocess.run(shell, input=script, text=True, check=True, timeout=60, stdout=sys.stderr)


def state(twin: Namespace) -> dict[str, Any]:
    """All that the tools show of a twin, without numbers and timers."""
    rules = twin.sh("ebtables-save").splitlines()
    return {
        **{name: stable(twin.json(command)) for name, command in SHOWN.items()},
        "rules": [line for line in rules if not line.startswith("#")],
        "table": twin.sh("nft list table bridge vxland 2>/dev/null || true"),
        "ingress": twin.sh("nft -s list table inet vxland-ingress 2>/dev/null || true"),
        "tally": twin.sh("nft -s list table inet vxland 2>/dev/null || true"),
    }


def stable(shown: Any) -> Any:  # noqa: ANN401 - JSON
    """Without what differs from one moment or namespace to the next; lists sorted."""
    if isinstance(shown, dict):
        return {
            key: stable(value)
            for key, value in shown.items()
            if key not in ("ifindex", "link_index") and not key.endswith("_timer")
        }
    if isinstance(shown, list):
        return sorted((stable(value) for value in shown), key=repr)
    return shown


def planned(settings: Settings | None, kernel: LinuxKernel) -> Plan:
    """What leads to this configuration, or to nothing of vxland's."""
    if settings is None:
        return plan_teardown(kernel.observe())
    known = addresses(settings.peers)
    remotes = frozenset(known.values())
    desired = resolve(settings, known, kernel.host(remotes))
    adopts = any(overlay.adopt for overlay in settings.overlays)
    return plan(kernel.observe(remotes, abroad=True, others=adopts), desired)


def carry_out(to_do: Plan, kernel: LinuxKernel) -> None:
    """Do it as the daemon does."""
    failures = [str(outcome.failure) for outcome in execute(to_do, kernel) if outcome.failure]
    if failures:
        sys.exit("\n".join(failures))


def mend(twin: Twin, scenario: Scenario, *, by_commands: bool) -> Plan:
    """Play the scenario in one of the twins; returns what was to do."""
    with twin.entered(), LinuxKernel() as kernel:
        if scenario.before:
            carry_out(planned(scenario.before, kernel), kernel)
        twin.paste(scenario.drift.replace(ELSEWHERE, f"{twin.name}-else"))
        if scenario.planner:
            to_do = scenario.planner(kernel.observe())
        else:
            to_do = planned(scenario.after, kernel)
        if by_commands:
            twin.paste("\n".join(commands(to_do)) + "\n")
        else:
            carry_out(to_do, kernel)
    return to_do


def settled(twins: Sequence[Namespace]) -> list[dict[str, Any]]:
    """The twins' states once they are the same, or when they never become so."""
    deadline = time.monotonic() + SETTLING
    while True:
        states = [state(twin) for twin in twins]
        if states[0] == states[1] or time.monotonic() > deadline:
            return states
        time.sleep(PAUSE)


def look(twin: Twin, scenario: Scenario) -> dict[str, list[str]]:
    """What vxland sees afterwards: what is still to do, and the addresses that are its own."""
    with twin.entered(), LinuxKernel() as kernel:
        left = planned(scenario.after, kernel).operations
        seen = kernel.observe().addresses.values()
    own = (address.interface for found in seen for address in found if address.own)
    return {"left": [str(operation) for operation in left], "own": sorted(map(str, own))}


def play(scenario: Scenario) -> dict[str, Any]:
    """Play a scenario in both; returns what was planned and what came of it, the daemon's first."""
    own_mounts()
    twins = Twin("executed"), Twin("pasted")
    plans = [mend(twin, scenario, by_commands=twin.name == "pasted") for twin in twins]
    states = settled(twins)
    return {
        "classes": sorted({type(operation).__name__ for operation in plans[0].operations}),
        "plans": [[str(operation) for operation in to_do.operations] for to_do in plans],
        "states": states,
        "seen": [look(twin, scenario) for twin in twins],
    }


if __name__ == "__main__":
    print(json.dumps(play({**SCENARIOS, **COUNTING, **FILTERING}[sys.argv[1]])))
