"""The same VNI in two overlays: the configuration refuses what the kernel would, and no more.

What the kernel looks at is in vxlan_vni_in_use (drivers/net/vxlan/vxlan_core.c): VNI, UDP port,
address family, of a link-local device its interface, and flags that vxland never sets. Which device
is made first isn't the file's to say: what is refused one way round is refused.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.namespace import fresh_namespace
from tests.unit.written import errors_in, overlay, peer, settings_of
from vxland.execution import Failure
from vxland.kernel.linux import LinuxKernel
from vxland.operations import CreateVtep, DeleteLink, Operation
from vxland.peers import addresses
from vxland.resolve import resolve

pytestmark = pytest.mark.kernel

ADDRESSES = {
    "lxd2": "192.0.2.2",
    "lxd3": "192.0.2.3",
    "six2": "2001:db8::2",
    "six3": "2001:db8::3",
    "near2": "fe80::2%eth0",
    "near3": "fe80::3%eth0",
    "beyond": "fe80::2%eth1",
}
# Not a peer itself, so that it has tunnels over both IP versions.
NODE = '[node]\nname = "lxd1"\naddress = "192.0.2.1"\n'
UNDERLAY = """\
ip link add eth0 type veth peer name eth1
ip link set eth0 up
ip link set eth1 up
ip address add 192.0.2.1/24 dev eth0
ip address add 2001:db8::1/64 dev eth0 nodad
ip address add fe80::1/64 dev eth0 nodad
ip address add fe80::1/64 dev eth1 nodad
"""


@dataclass(frozen=True)
class Part:
    """An overlay of this machine's, lxd1."""

    peers: tuple[str, ...]
    keys: str = ""
    vnis: str = ""

    def text(self, name: str) -> str:
        """As it is written."""
        vnis = f"[overlay.vnis]\n{self.vnis}" if self.vnis else ""
        return overlay(name, f"br-{name}", f"{self.keys}\n{vnis}")


BASE = Part(("lxd2",), vnis='"lxd1 lxd2" = 100')
SHARED = 'mode = "shared"\nvni = 100'
# By what differs from the first, or by both.
CASES = {
    "nothing": (BASE, BASE),
    "the peer": (BASE, Part(("lxd3",), vnis='"lxd1 lxd3" = 100')),
    "the VNI": (BASE, Part(("lxd2",), vnis='"lxd1 lxd2" = 101')),
    "the port": (BASE, Part(("lxd2",), "port = 8472", BASE.vnis)),
    "the family": (BASE, Part(("six2",), vnis='"lxd1 six2" = 100')),
    "the peer, over IPv6": (
        Part(("six2",), vnis='"lxd1 six2" = 100'),
        Part(("six3",), vnis='"lxd1 six3" = 100'),
    ),
    "the options": (
        BASE,
        Part(("lxd2",), 'ttl = 9\ntos = "inherit"\ndf = "set"\nageing = 60', BASE.vnis),
    ),
    "the checksum": (BASE, Part(("lxd2",), "udp_csum = false", BASE.vnis)),
    "the learning": (BASE, Part(("lxd2",), "learning = true", BASE.vnis)),
    "the guard and the MTU": (BASE, Part(("lxd2",), 'guard = ["isolated"]\nmtu = 1400', BASE.vnis)),
    "the mode": (BASE, Part(("lxd2",), SHARED)),
    "the mode and the family": (BASE, Part(("six2",), SHARED)),
    "the mode and the port": (BASE, Part(("lxd2",), f"port = 8472\n{SHARED}")),
    "the peer, both shared": (Part(("lxd2",), SHARED), Part(("lxd3",), SHARED)),
    "the family, both shared": (Part(("lxd2",), SHARED), Part(("six2",), SHARED)),
    "one peer more, both shared": (Part(("six3",), SHARED), Part(("lxd2", "six2"), SHARED)),
    "the peer, link-local": (
        Part(("near2",), vnis='"lxd1 near2" = 100'),
        Part(("near3",), vnis='"lxd1 near3" = 100'),
    ),
    "the interface, link-local": (
        Part(("near2",), vnis='"lxd1 near2" = 100'),
        Part(("beyond",), vnis='"beyond lxd1" = 100'),
    ),
    "the family, link-local": (BASE, Part(("near2",), vnis='"lxd1 near2" = 100')),
    "the scope": (
        Part(("six2",), vnis='"lxd1 six2" = 100'),
        Part(("near2",), vnis='"lxd1 near2" = 100'),
    ),
    "the scope and the mode": (
        Part(("near2",), vnis='"lxd1 near2" = 100'),
        Part(("six2",), SHARED),
    ),
    "the scheme": (
        Part(("lxd2", "lxd3"), 'vni = "index"'),
        Part(("lxd2",), vnis='"lxd1 lxd2" = 1'),
    ),
    "the scheme and the port": (
        Part(("lxd2", "lxd3"), 'vni = "index"'),
        Part(("lxd2",), "port = 8472", '"lxd1 lxd2" = 1'),
    ),
}


@pytest.fixture
def kernel() -> Iterator[LinuxKernel]:
    """Of a machine with an address of each family."""
    with fresh_namespace():
        subprocess.run(["sh", "-ec", UNDERLAY], check=True)
        with LinuxKernel() as kernel:
            yield kernel


def devices(folder: Path, name: str, part: Part, kernel: LinuxKernel) -> list[CreateVtep]:
    """What makes an overlay's tunnels, were it alone."""
    listed = "".join(peer(other, ADDRESSES[other]) for other in part.peers)
    settings = settings_of(folder, f"{NODE}{part.text(name)}{listed}")
    known = addresses(settings.peers)
    desired = resolve(settings, known, kernel.host(frozenset(known.values())))
    return [CreateVtep(name, vtep.device, vtep) for vtep in desired.vteps()]


def refused_by_configuration(folder: Path, one: Part, other: Part) -> bool:
    """Whether a file with both says that they have the same VNI, and nothing else."""
    both = {"one": one, "other": other}
    listed = ""
    for name, address in ADDRESSES.items():
        inside = [overlay for overlay, part in both.items() if name in part.peers]
        if inside:
            listed += peer(name, address, f"overlays = {inside}".replace("'", '"'))
    text = "".join(part.text(name) for name, part in both.items())
    errors = errors_in(folder, f"{NODE}{text}{listed}")
    assert all("VNI" in error.message for error in errors), errors
    return bool(errors)


@pytest.mark.parametrize("case", CASES)
def test_what_the_kernel_refuses_is_refused(kernel: LinuxKernel, tmp_path: Path, case: str) -> None:
    one, other = (devices(tmp_path, name, part, kernel) for name, part in both(case))
    assert one
    assert other
    failures: dict[Operation, Failure] = {}
    for order in ((one, other), (other, one)):
        for created in order:
            failures |= kernel.perform(created)
        kernel.perform([DeleteLink(made.overlay, made.device) for made in (*one, *other)])
    assert all("EEXIST" in failure.text for failure in failures.values())
    assert refused_by_configuration(tmp_path, *CASES[case]) is bool(failures)
    if len(one) == len(other) == 1:
        assert one[0].vtep.vni_key.clashes(other[0].vtep.vni_key) is bool(failures)


def both(case: str) -> list[tuple[str, Part]]:
    """The two overlays, by name."""
    return list(zip(("one", "other"), CASES[case], strict=True))
