"""Random stories: what vxland did and what others did to it, up to some actual state."""

from collections.abc import Callable

from hypothesis import strategies as st
from msgspec.structs import replace

from tests.core.configurations import BRIDGES, FOREIGN_TUNNEL, Configuration, configurations
from tests.core.digits import Digits, digits
from tests.fake import strangers as others
from tests.fake import vandalism as somebody
from tests.fake.ingress_drift import INGRESS_LINES
from tests.fake.tally_drift import TALLY_LINES
from tests.fake.vandalism import OPTIONS, Vandalism
from tests.fake_kernel import FakeKernel
from vxland.execution import execute
from vxland.identity import ALIAS_MARK, pair_vni
from vxland.observed import PORT_FLAGS, Observed
from vxland.plan import Plan, plan

DEED_SIZE = 3  # bytes
SPARE_NAMES = (
    *("foo", "fbr", FOREIGN_TUNNEL, "g0", "vxl-guest"),
    *("vxlan1", "vxl-lan-b", "vxl-lan", "vxl-lan6", "vxbr0"),
)
ALIASES = (
    *("", "", "somebody's", "vxland:lan:b", "vxland:lan:c", "vxland:lan", "vxland:gone:x"),
    *("vxland:lan:*", "vxland:lan:*6"),
)
ALTNAMES = (
    *(
        "vxland-lan+b",
        "vxland-lan~b",
        "vxland-lan+z",
        "vxland-lan",
        "vxland-dmz+b",
        "other",
        "vxl-lan-c",
    ),
    *("vxland-lan+*", "vxl-lan"),
)
ADDRESSES = ("192.0.2.2", "192.0.2.3", "192.0.2.66")
VNIS = (7, 0, 1, 4711, pair_vni("lan", "a", "b"), pair_vni("lan", "a", "c"))
LINES = (
    "-F",
    "-X",
    "-F VXLAND",
    "-X VXLAND",
    "-P VXLAND ACCEPT",
    "-P VXLAND DROP",
    "-N VXLAND",
    "-D FORWARD -j VXLAND",
    "-A FORWARD -j VXLAND",
    "-I FORWARD -j VXLAND",
    "-D FORWARD -i vxl-+ -o vxl-+ -j VXLAND",
    "-D FORWARD -i vxlan+ -o vxlan+ -j VXLAND",
    "-A FORWARD -i vxl-+ -o vxl-+ -j VXLAND",
    "-I FORWARD -i vxlan+ -o vxlan+ -j VXLAND",
    "-I FORWARD -i g0 -j VXLAND",
    "-I FORWARD -i eth0 -j ACCEPT",
    "-A FORWARD -i eth0 -j ACCEPT",
    "-I VXLAND -i vxl-lan-b -j ACCEPT",
    "-I VXLAND -i g0 -j RETURN",
    "-D VXLAND -i vxl-+ -o vxl-+ -j DROP",
    "-D VXLAND -i vxlan+ -o vxlan+ -j DROP",
    "-D VXLAND -i vxl+ -o vxl+ -j DROP",
    "-A VXLAND -i vxlan+ -o vxlan+ -j DROP",
    "-N OTHER",
    "-A OTHER -j DROP",
)

CHAIN = "bridge vxland forward"
HOOK = "type filter hook forward priority"
NFT_LINES = (
    "delete table bridge vxland",
    "add table bridge vxland",
    "add table bridge vxland { flags dormant; }",
    f"flush chain {CHAIN}",
    f"delete chain {CHAIN}",
    f"add chain {CHAIN}",
    f"add chain {CHAIN} {{ {HOOK} -210; policy accept; }}",
    f"add chain {CHAIN} {{ {HOOK} -210; policy drop; }}",
    f"add chain {CHAIN} {{ {HOOK} 10; policy accept; }}",
    "add chain bridge vxland mine",
    "add rule bridge vxland mine drop",
    f"insert rule {CHAIN} accept",
    f'insert rule {CHAIN} iifname "vxl-lan-b" return',
    f'insert rule {CHAIN} iifname "g0" return',
    f'add rule {CHAIN} iifname "vxl-*" oifname "vxl-*" drop',
    f'add rule {CHAIN} iifname "vxlan*" oifname "vxlan*" drop',
)


class Turn:
    """A turn of vxland's, ended after some of its operations or not at all."""

    def __init__(self, configuration: Configuration, cut: int | None = None) -> None:
        self.configuration = configuration
        self.cut = cut

    def __repr__(self) -> str:
        return f"{self.configuration}{'' if self.cut is None else f', cut after {self.cut}'}"

    def of(self, wanted: Plan) -> Plan:
        """The part of the plan that was carried out."""
        return Plan(wanted.operations[: self.cut])


def everything(kernel: FakeKernel) -> Observed:
    """All that can be seen, abroad too."""
    return replace(kernel.observe(others=True), abroad=kernel.look_abroad())


class Story:
    """What happened, and the kernel after it."""

    def __init__(self) -> None:
        self.kernel = FakeKernel()
        self.steps: list[Turn | Vandalism] = []

    def __repr__(self) -> str:
        told = (step.command if isinstance(step, Vandalism) else repr(step) for step in self.steps)
        return "\n".join(("Story:", *told))

    def turn(self, turn: Turn) -> None:
        """Vxland does something."""
        self.steps.append(turn)
        wanted = plan(everything(self.kernel), turn.configuration.desired)
        execute(turn.of(wanted), self.kernel)

    def vandalise(self, deed: Vandalism) -> None:
        """Somebody else does."""
        self.steps.append(deed)
        deed.apply(self.kernel)


class Choice:
    """What somebody can lay hands on."""

    def __init__(self, choose: Digits, kernel: FakeKernel) -> None:
        self._choose = choose
        self._devices = list(kernel.net.devices.values())

    def of(self, *values: str) -> str:
        """One of these."""
        return self._choose.of(values)

    def device(self, *kinds: str) -> str:
        """A device of one of these kinds, or of any; the name of one that isn't there, if none."""
        names = [
            device.name
            for device in self._devices
            if device.name != "lo" and (not kinds or device.kind in kinds)
        ]
        return self.of(*(names or ("nothing",)))

    def tunnel(self) -> str:
        """A VXLAN device."""
        return self.device("vxlan")

    def marked_tunnel(self) -> str:
        """A VXLAN device that its alias marks: without that nobody knows it again elsewhere."""
        marked = [d.name for d in self._devices if d.vxlan and d.alias.startswith(ALIAS_MARK)]
        return self.of(*(marked or ("nothing",)))

    def number(self, *values: int) -> int:
        """One of these."""
        return self._choose.of(values)

    def yes(self) -> bool:
        """Whether or not."""
        return self._choose.of((False, True))


DEEDS: tuple[Callable[[Choice], Vandalism], ...] = (
    lambda choose: somebody.deleted(choose.device()),
    lambda choose: somebody.deleted(choose.device("bridge")),
    lambda choose: somebody.set_down(choose.device()),
    lambda choose: somebody.set_up(choose.device()),
    lambda choose: somebody.taken_out(choose.device()),
    lambda choose: somebody.put_into(choose.device(), choose.device("bridge")),
    lambda choose: somebody.renamed(choose.device(), choose.of(*SPARE_NAMES)),
    lambda choose: somebody.isolation(choose.device(), on=choose.yes()),
    lambda choose: somebody.flag(choose.device(), choose.of(*PORT_FLAGS)),
    lambda choose: somebody.mtu(choose.device(), choose.number(1300, 1450, 1500)),
    lambda choose: somebody.mtu(choose.tunnel(), 1000),
    lambda choose: somebody.mac(choose.device("vxlan", "bridge"), "02:00:00:00:00:66"),
    lambda choose: somebody.mac(choose.tunnel(), "fe:ff:ff:ff:ff:ff"),
    lambda choose: somebody.group(choose.device(), 5),
    lambda choose: somebody.alias(choose.device(), choose.of(*ALIASES)),
    lambda choose: somebody.alias(choose.device(), ""),
    lambda choose: somebody.altname_added(choose.device(), choose.of(*ALTNAMES)),
    lambda choose: somebody.altname_removed(choose.device(), choose.of(*ALTNAMES)),
    lambda choose: somebody.link_local(choose.device()),
    lambda choose: somebody.remote(choose.tunnel(), choose.of(*ADDRESSES, "0.0.0.0")),
    lambda choose: somebody.local(choose.tunnel(), choose.of(*ADDRESSES)),
    lambda choose: somebody.option(choose.tunnel(), choose.of(*OPTIONS)),
    lambda choose: somebody.flood_removed(choose.tunnel(), choose.of(*ADDRESSES)),
    lambda choose: somebody.flood_added(choose.tunnel(), choose.of(*ADDRESSES)),
    lambda choose: somebody.fdb_added(choose.tunnel(), choose.of(*ADDRESSES), static=choose.yes()),
    lambda choose: somebody.moved_abroad(choose.marked_tunnel()),
    lambda choose: somebody.address_added(
        choose.device("bridge"), choose.of("10.10.10.9/24", "10.10.30.1/24")
    ),
    lambda choose: somebody.address_removed(
        choose.device("bridge"), choose.of("10.10.10.1/24", "10.10.20.1/24")
    ),
    lambda choose: somebody.ebtables(choose.of(*LINES)),
    lambda choose: somebody.ebtables(choose.of(*LINES)),
    lambda choose: somebody.nft(choose.of(*NFT_LINES)),
    lambda choose: somebody.nft(choose.of(*NFT_LINES)),
    lambda choose: somebody.nft(choose.of(*INGRESS_LINES)),
    lambda choose: somebody.nft(choose.of(*TALLY_LINES)),
    lambda _: somebody.ruleset_flushed(),
    lambda _: somebody.daemon_ended(),
    lambda choose: others.bridge(choose.of("fbr", *BRIDGES)),
    lambda choose: others.own_bridge(choose.of("fbr", *BRIDGES), "n0"),
    lambda choose: others.veth(choose.of(*SPARE_NAMES)),
    lambda choose: others.macvlan("m0", choose.device("bridge", "veth")),
    lambda choose: others.vxlan(choose.of(*SPARE_NAMES), choose.number(*VNIS)),
)


def deed(choose: Digits, kernel: FakeKernel) -> Vandalism:
    """Something that somebody does to what is there."""
    return choose.of(DEEDS)(Choice(choose, kernel))


@st.composite
def stories(
    draw: st.DrawFn, *, turns: int = 2, deeds: int = 6, keeps: tuple[bool, ...] = (False, True)
) -> Story:
    """Up to so many turns, each followed by up to so many deeds, of a daemon or of commands."""
    story = Story()
    stays = draw(st.sampled_from(keeps))
    for table in story.kernel.tables:
        table.keeps = stays
    for _ in range(draw(st.integers(0, turns))):
        cut = draw(st.one_of(st.none(), st.integers(0, 40)))
        story.turn(Turn(draw(configurations()), cut))
        for choose in draw(st.lists(digits(DEED_SIZE), max_size=deeds)):
            story.vandalise(deed(choose, story.kernel))
    return story
