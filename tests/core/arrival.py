"""Whether a plan has arrived."""

from tests.core.stories import everything
from tests.core.truth import has_ipv6, untruths
from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.hazards import looping_pairs
from vxland.model import Desired
from vxland.observed import Observed
from vxland.operations import AddAddress, Operation, SetMtu
from vxland.plan import Memory, plan
from vxland.problems import Kind

NOTHING = Memory()


def settled(kernel: FakeKernel, desired: Desired, memory: Memory = NOTHING) -> None:
    """All is as desired, there is nothing left to do, and nothing that could loop."""
    wanted = plan(everything(kernel), desired, memory)
    if all(follows_ports(operation, kernel.look()) for operation in wanted.operations):
        execute(wanted, kernel)
        wanted = plan(everything(kernel), desired, memory)
    seen = kernel.look()
    assert untruths(seen, desired, wanted.problems, memory) == []
    possible = [operation for operation in wanted.operations if not in_vain(operation, seen)]
    assert [*map(str, possible)] == []
    if not any(problem.kind is Kind.HAZARD for problem in wanted.problems):
        allowed = frozenset(n for o in desired.overlays for n in o.allow_tunnel_ports)
        assert looping_pairs(seen, allowed) == frozenset()


def follows_ports(operation: Operation, seen: Observed) -> bool:
    """The MTU of a bridge, if nobody set it yet, changes with its ports'; and nothing shows that.

    It takes a turn of its own, once.
    """
    return isinstance(operation, SetMtu) and seen.links[operation.device].kind == "bridge"


def in_vain(operation: Operation, seen: Observed) -> bool:
    """An IPv6 address on somebody's bridge that has no IPv6, tried again and again."""
    return (
        isinstance(operation, AddAddress)
        and operation.address.version == 6
        and not has_ipv6(seen.links[operation.device])
    )
