"""What is remembered of others' ports when a bridge goes."""

import pytest
from msgspec.structs import replace

from tests.core.test_report import desired
from vxland.observed import Link, Observed
from vxland.plan import Memory, plan
from vxland.problems import Kind

BRIDGE = Link("vxbr0", "bridge", alias="vxland:lan", up=True)
PORT = Link("veth0", "veth", master="vxbr0")
OWN = Link("vxl-lan-lxd2", "vxlan", alias="vxland:lan:lxd2", master="vxbr0")


def seen(*links: Link) -> Observed:
    """These links."""
    return Observed(links={link.name: link for link in links})


def homeless(*looks: Observed) -> dict[str, frozenset[str]]:
    """The ports without a bridge after these looks."""
    memory = Memory()
    for look in looks:
        memory = memory.after(look, desired())
    return dict(memory.homeless)


LOST = {"vxbr0": frozenset({"veth0"})}
LOOSE = replace(PORT, master=None)


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([seen(BRIDGE, PORT, OWN)], {}),
        ([seen(BRIDGE, PORT, OWN), seen(LOOSE)], LOST),
        ([seen(BRIDGE, PORT, OWN), seen(LOOSE), seen(BRIDGE, LOOSE)], LOST),
        ([seen(BRIDGE, PORT), seen(LOOSE), seen(BRIDGE, LOOSE), seen(BRIDGE, PORT)], {}),
        ([seen(BRIDGE, PORT), seen(BRIDGE, LOOSE)], {}),
        ([seen(BRIDGE, PORT), seen(replace(BRIDGE, alias=""), LOOSE)], LOST),
        ([seen(BRIDGE, PORT), seen()], {}),
        ([seen(BRIDGE, PORT), seen(replace(PORT, master="br9"))], {}),
        ([seen(LOOSE)], {}),
        ([seen(BRIDGE, PORT), seen(replace(BRIDGE, kind="veth"), LOOSE)], LOST),
    ],
    ids=[
        "nothing happened",
        "deleted",
        "made again",
        "put back",
        "taken out by somebody",
        "made again by somebody",
        "the port is gone too",
        "the port is elsewhere",
        "never seen",
        "the name is another's",
    ],
)
def test_ports_are_remembered_while_they_have_no_bridge(
    looks: list[Observed], expected: dict[str, frozenset[str]]
) -> None:
    """Only those that a deleted bridge left behind."""
    assert homeless(*looks) == expected


def remembering(name: str = "veth0") -> Memory:
    """A memory of a port that lost its bridge."""
    return Memory(homeless={"vxbr0": frozenset({name})})


def test_a_homeless_port_is_named_with_the_command() -> None:
    """vxland doesn't touch it unasked."""
    made = plan(seen(LOOSE), desired(), remembering())
    (problem,) = [problem for problem in made.problems if problem.device == "veth0"]
    assert problem.kind is Kind.HINT
    assert "ip link set veth0 master vxbr0" in problem.cure
    assert "veth0" not in {operation.device for operation in made.operations}


def test_a_homeless_port_is_put_back_where_the_file_says_so() -> None:
    """But no tunnel of somebody's, which could loop, unless it is allowed."""
    (overlay,) = desired().overlays
    asked = replace(desired(), overlays=(replace(overlay, reattach=True),))
    allowing = replace(overlay, reattach=True, allow_tunnel_ports=frozenset({"gre0"}))
    tunnel = Link("gre0", "gretap")
    for wanted, link, back in (
        (asked, LOOSE, ["veth0"]),
        (asked, tunnel, []),
        (replace(asked, overlays=(allowing,)), tunnel, ["gre0"]),
        (asked, replace(LOOSE, name="gone"), []),
    ):
        name = "veth0" if link.name == "gone" else link.name
        made = plan(seen(link), wanted, remembering(name))
        names = {operation.device for operation in made.operations}
        assert [name for name in ("veth0", "gre0") if name in names] == back
