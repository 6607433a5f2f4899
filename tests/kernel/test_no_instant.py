"""A table made anew while frames come: none finds the moment between the old one and the new.

What is deleted in a transaction keeps its rules until it is unhooked, after the new chain's are in
force (net/netfilter/nf_tables_api.c, nf_tables_commit).
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.contract.namespace import fresh_namespace
from tests.lab import eventually
from vxland.guards.nftables import rule
from vxland.identity import TABLE
from vxland.kernel.nftables import Nftables
from vxland.operations import MakeTable, RemoveTable

pytestmark = pytest.mark.kernel

RULES = (rule("vxl-+", "vxl-+", "DROP"),)
BRIDGE = """\
ip link add br0 type bridge mcast_snooping 0
ip link set br0 up
for port in one two; do
  ip link add vxl-$port type veth peer name $port
  ip link set vxl-$port master br0 up
  ip link set $port up
  for device in $port vxl-$port br0; do echo 1 >/proc/sys/net/ipv6/conf/$device/disable_ipv6; done
done
"""
AT_LEAST = 20_000  # frames that come meanwhile
CHANGES = 1000


SHOUT = """\
import socket
opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
opened.bind(("one", 0))
frame = bytes.fromhex("ffffffffffff 020000000001 88b5") + bytes(46)
while True:
    opened.send(frame)
"""


@contextmanager
def flood() -> Iterator[None]:
    """Somebody shouts into one port, as fast as can be, while this runs."""
    bound = ("setpriv", "--pdeathsig", "KILL", "--")
    with subprocess.Popen([*bound, sys.executable, "-c", SHOUT]) as shouter:
        try:
            yield
        finally:
            shouter.kill()


def count(device: str, way: str) -> int:
    """How many frames a device has received, or sent."""
    shown = subprocess.run(
        ["ip", "-s", "-j", "link", "show", "dev", device], capture_output=True, check=True
    )
    return int(json.loads(shown.stdout)[0]["stats64"][way]["packets"])


def forwards(port: str) -> bool:
    """Whether the bridge's port forwards: it has a carrier, and the bridge knows."""
    return b"state forwarding" in subprocess.check_output(
        ["bridge", "link", "show", "dev", f"vxl-{port}"]
    )


@pytest.fixture
def table() -> Iterator[Nftables]:
    """It keeps two ports of a bridge from each other."""
    with fresh_namespace():
        subprocess.run(["sh", "-ec", BRIDGE], check=True)
        eventually(lambda: all(map(forwards, ("one", "two"))), "the ports forward")
        with closing(Nftables(keeps=True)) as kernel:
            kernel.read()
            assert kernel.write(MakeTable("", TABLE, RULES, replaces=False)) is None
            yield kernel


def test_a_table_made_anew_lets_no_frame_through(table: Nftables) -> None:
    changes = 0
    with flood():
        while changes < CHANGES or count("one", "tx") < AT_LEAST:
            assert table.write(MakeTable("", TABLE, RULES, replaces=True)) is None
            changes += 1
    assert count("two", "rx") == 0


def test_a_moment_between_would_be_seen(table: Nftables) -> None:
    """Taken away and made again, it lets some through: so the test above tells something."""
    with flood():
        while not count("two", "rx"):
            assert table.write(RemoveTable("", TABLE, ())) is None
            assert table.write(MakeTable("", TABLE, RULES, replaces=False)) is None
