"""Many devices are deleted by one message, and never one that should stay with them."""

import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from socket import if_nametoindex

import pytest
from msgspec.structs import replace

from tests.contract.namespace import fresh_namespace
from tests.fake.wishes import LAN, wish
from vxland import identity
from vxland import operations as ops
from vxland.kernel.deletion import MANY, RTM_DELLINK, RTM_SETLINK
from vxland.kernel.linux import LinuxKernel
from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER, NetlinkError

pytestmark = pytest.mark.kernel

OTHER = 4711  # the group that nobody has
TUNNELS = tuple(f"t{number}" for number in range(MANY))
ONE = wish(LAN).overlays[0].vteps[0]


def sh(script: str) -> None:
    subprocess.run(["sh", "-ec", script], check=True)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[LinuxKernel]:
    """With as many tunnels as it takes, and a stranger; the other group's number is known."""
    monkeypatch.setattr("vxland.kernel.deletion.secrets.randbits", lambda _: OTHER)
    with fresh_namespace(), LinuxKernel() as kernel:
        sh("ip link add stranger type veth peer name other")
        assert not kernel.perform([made(name, vni) for vni, name in enumerate(TUNNELS, 1)])
        kernel.observe()
        yield kernel


def made(name: str, vni: int) -> ops.CreateVtep:
    return ops.CreateVtep("lan", name, replace(ONE, device=name, vni=vni))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Counter[int]]:
    """How many requests to delete and to move there were in each batch that had any."""
    counted: list[Counter[int]] = []
    request = Netlink.request

    def counting(self: Netlink, messages: Sequence[bytes]) -> list[NetlinkError | None]:
        kinds = Counter(HEADER.unpack_from(message)[1] for message in messages)
        counted.extend([kinds] if kinds else [])
        return request(self, messages)

    monkeypatch.setattr(Netlink, "request", counting)
    return counted


def deleted(count: int) -> Counter[int]:
    return Counter({RTM_DELLINK: count})


def moved(count: int) -> Counter[int]:
    return Counter({RTM_SETLINK: count})


def delete(kernel: LinuxKernel, *names: str) -> frozenset[str]:
    """Delete these at once; returns what is there then."""
    assert not kernel.perform([ops.DeleteLink("lan", name) for name in names])
    return frozenset(kernel.observe().links) & {*TUNNELS, "stranger", "other"}


def test_many_go_by_one_message(kernel: LinuxKernel, sent: list[Counter[int]]) -> None:
    assert delete(kernel, *TUNNELS) == {"stranger", "other"}
    assert sent == [deleted(1)]


def test_fewer_go_one_by_one(kernel: LinuxKernel, sent: list[Counter[int]]) -> None:
    assert delete(kernel, *TUNNELS[1:]) == {"stranger", "other", TUNNELS[0]}
    assert sent == [deleted(MANY - 1)]


def test_what_stays_in_the_group_stays(kernel: LinuxKernel, sent: list[Counter[int]]) -> None:
    """What goes is moved then, and deleted by one message too."""
    sh(f"ip link set stranger group {identity.GROUP}")
    assert delete(kernel, *TUNNELS) == {"stranger", "other"}
    assert sent == [moved(MANY), deleted(1)]


def test_what_is_in_no_group_is_moved(kernel: LinuxKernel, sent: list[Counter[int]]) -> None:
    """What was taken over, say."""
    sh("".join(f"ip link set {name} group 0\n" for name in TUNNELS))
    assert delete(kernel, *TUNNELS) == {"stranger", "other"}
    assert sent == [moved(MANY), deleted(1)]


def test_few_besides_the_group(kernel: LinuxKernel, sent: list[Counter[int]]) -> None:
    """They go one by one."""
    sh("".join(f"ip link set {name} group 0\n" for name in TUNNELS[:2]))
    assert delete(kernel, *TUNNELS) == {"stranger", "other"}
    assert sent == [deleted(1), deleted(2)]


def test_a_stranger_in_both_groups_stays(kernel: LinuxKernel, sent: list[Counter[int]]) -> None:
    """All others go one by one then."""
    sh(f"ip link set stranger group {identity.GROUP}; ip link set other group {OTHER}")
    assert delete(kernel, *TUNNELS) == {"stranger", "other"}
    assert sent == [moved(MANY), deleted(MANY)]


def test_what_has_gone_by_then_is_no_failure(kernel: LinuxKernel, sent: list[Counter[int]]) -> None:
    """It is asked for on its own."""
    sh(f"ip link del {TUNNELS[3]}")
    assert delete(kernel, *TUNNELS) == {"stranger", "other"}
    assert sent == [deleted(1), deleted(1)]


def test_a_group_that_is_refused_goes_one_by_one(
    kernel: LinuxKernel, sent: list[Counter[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel deletes no group 0: in it is all that was never moved."""
    first = frozenset({if_nametoindex(TUNNELS[0])})
    monkeypatch.setattr("vxland.kernel.deletion.secrets.randbits", lambda _: 0)
    monkeypatch.setattr(
        "vxland.kernel.deletion._members", lambda _, group: frozenset() if group else first
    )
    assert delete(kernel, *TUNNELS) == {"stranger", "other"}
    assert sent == [moved(MANY), deleted(1), deleted(MANY)]
