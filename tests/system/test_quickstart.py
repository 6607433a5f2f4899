"""docs/quickstart.md, typed as it stands, on the servers that it asks for."""

import doctest
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import eventually
from tests.package.build import built
from tests.system.machine import Machine
from tests.system.quickstart import DOCUMENT, Step, steps
from tests.system.site import ADDRESS, Site

pytestmark = [pytest.mark.system, pytest.mark.timeout(300, func_only=True)]

LIKE = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
SERVERS = {"lxd1": ("203.0.113.1", "203.0.113.254"), "lxd2": ("198.51.100.7", "198.51.100.254")}
NETWORK = """\
[Match]
Name=host0

[Network]
Address={address}/24
Gateway={router}
"""
# The underlay's br0 becomes the router between the servers, and all that either sees of it.
PORT = """
bridge link set dev vb-{name} isolated on
ip address add {router}/24 dev br0
"""
ROUTING = """
cd /proc/sys/net/ipv4
echo 1 >ip_forward
echo 0 | tee conf/all/send_redirects >conf/br0/send_redirects
"""


@pytest.fixture
def servers(root: Path, release: str) -> Iterator[dict[str, Machine]]:
    """What the document says is there before one begins: no LAN in common, and the package."""
    package = built(release)
    with Site(root, count=2) as site:
        site.underlay.sh(ROUTING)
        machines = {machine.name: machine for machine in site.machines}
        for name, (address, router) in SERVERS.items():
            site.underlay.sh(PORT.format(name=name, router=router))
            machines[name].write(ADDRESS, NETWORK.format(address=address, router=router))
            machines[name].run("networkctl reload")
            machines[name].copy_in(package)
        reaches = f"ping -c1 -W1 -I {SERVERS['lxd1'][0]} {SERVERS['lxd2'][0]}"
        eventually(lambda: machines["lxd1"].attempt(reaches).returncode == 0, "a route is there")
        yield machines


def typed(machine: Machine, step: Step) -> str:
    """What a step's command shows where root has just logged in; it must succeed."""
    return machine.run(f"cd; exec bash -c {shlex.quote(step.command)} 2>&1")


def test_the_quickstart_is_what_happens(servers: dict[str, Machine]) -> None:
    checker = doctest.OutputChecker()
    for step in steps(DOCUMENT.read_text(encoding="utf-8")):
        got = typed(servers[step.machine], step)
        expected = doctest.Example(step.command, step.shown)
        as_shown = checker.check_output(expected.want, got, LIKE)
        assert as_shown, (
            f"{DOCUMENT.name}:{step.line}: {step.machine}: {step.command}"
            + checker.output_difference(expected, got, LIKE)
        )


def test_nothing_that_a_reader_would_type_is_left_out() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert len(list(steps(text))) == text.count("root@") > 0
    assert text.count("```") == 2 * text.count("```console\n")
