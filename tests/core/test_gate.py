"""The judge of who gets in sees what it should, and allows what is promised."""

import pytest

from tests.core.gate import misjudged
from tests.core.watch import Watch
from tests.fake.wishes import LAN, PEERS, wish
from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.model import Desired
from vxland.operations import ChangeIngress, DeleteLink, MakeIngress, TrimIngress
from vxland.plan import Plan, plan

HOME = wish(LAN)


def test_a_tunnel_that_comes_up_before_the_table() -> None:
    kernel = FakeKernel()
    wanted = plan(kernel.observe(), HOME)
    others = tuple(one for one in wanted.operations if not isinstance(one, MakeIngress))
    with pytest.raises(AssertionError, match="strangers get in"):
        execute(Plan(others), Watch(kernel, HOME))


def test_where_the_table_is_refused_tunnels_come_up() -> None:
    kernel = FakeKernel()
    watch = Watch(kernel, HOME)
    wanted = plan(kernel.observe(), HOME)
    watch.failing = {1 + [*map(type, wanted.operations)].index(MakeIngress)}
    outcomes = execute(wanted, watch)
    assert [type(one.operation) for one in outcomes if one.failure] == [MakeIngress]
    assert [*misjudged(kernel.look(), HOME, ())] == ["nothing filters"]


def test_a_table_that_refused_somebody_loses_nothing() -> None:
    kernel = FakeKernel()
    execute(plan(kernel.observe(), wish(LAN, peers="abc")), kernel)
    another = wish(LAN, peers="abd")
    wanted = plan(kernel.observe(), another)
    kinds = [*map(type, wanted.operations)]
    watch = Watch(kernel, another, failing={1 + kinds.index(ChangeIngress)})
    failed = [one for one in execute(wanted, watch) if one.failure]
    assert [type(one.operation) for one in failed] == [ChangeIngress, TrimIngress]
    assert [one.failure.skipped for one in failed if one.failure] == [False, True]


@pytest.mark.parametrize("refused", [False, True])
def test_a_vni_that_is_let_go_while_its_device_is_there(*, refused: bool) -> None:
    kernel = FakeKernel()
    execute(plan(kernel.observe(), HOME), kernel)
    watch = Watch(kernel, Desired("", ()))
    watch.unwritten = refused
    table = kernel.ingress.state().table
    assert table is not None
    trim = TrimIngress("", "inet vxland-ingress", tuple(table.elements))
    with pytest.raises(AssertionError, match="strangers get in"):
        watch.perform([trim])


def test_a_device_that_stays_keeps_its_vni_filtered() -> None:
    kernel = FakeKernel()
    execute(plan(kernel.observe(), HOME), kernel)
    fewer = wish(LAN, peers=PEERS[:2])
    wanted = plan(kernel.observe(), fewer)
    kinds = [*map(type, wanted.operations)]
    watch = Watch(kernel, fewer, failing={1 + kinds.index(DeleteLink)})
    outcomes = execute(wanted, watch)
    assert TrimIngress in {type(one.operation) for one in outcomes if one.failure}
