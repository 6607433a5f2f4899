"""What is looked at before vxland's are removed is all that matters then."""

import subprocess
from ipaddress import ip_interface

import pytest
from msgspec.structs import replace

from tests.contract.namespace import fresh_namespace
from tests.fake.wishes import DMZ, LAN, wish
from vxland.execution import execute
from vxland.kernel.linux import LinuxKernel
from vxland.operations import DeleteLink, RemoveTable
from vxland.ownership import own_links
from vxland.plan import plan, plan_teardown

pytestmark = pytest.mark.kernel

OVERLAYS = (
    replace(LAN, addresses=(ip_interface("10.1.1.1/24"),)),
    replace(DMZ, mode="shared", vni=4711, guards=("nftables",)),
    replace(LAN, name="lab", bridge="labbr0"),
)
STRANGERS = """
ip link add theirs type bridge
ip link add guest type veth peer name inside
ip link set guest master vxbr0
ip link add link vxbr1 name over type macvlan
ip address add 10.2.2.1/24 dev labbr0
ip address add 10.3.3.1/24 dev theirs
ip link add unmarked type vxlan id 99 dstport 4789
ip link set unmarked master theirs
"""


@pytest.mark.parametrize("strangers", ["", STRANGERS])
def test_the_plan_is_as_after_a_look_at_everything(strangers: str) -> None:
    with fresh_namespace(), LinuxKernel() as kernel:
        outcomes = execute(plan(kernel.observe(), wish(*OVERLAYS)), kernel)
        assert [str(outcome.failure) for outcome in outcomes if outcome.failure] == []
        subprocess.run(["sh", "-ec", strangers], check=True)
        with LinuxKernel() as other:
            whole = plan_teardown(other.observe())
        with LinuxKernel() as down:
            removal = plan_teardown(down.holdings())
            assert removal == whole
            assert {DeleteLink, RemoveTable} <= {
                type(operation) for operation in removal.operations
            }
            assert not any(outcome.failure for outcome in execute(removal, down))
            left = {link.name for link in own_links(down.observe())}
        assert left == ({"vxbr0", "vxbr1", "labbr0"} if strangers else set())
