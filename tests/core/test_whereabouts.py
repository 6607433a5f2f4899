"""Which of a peer's addresses counts."""

from collections.abc import Collection, Mapping
from ipaddress import ip_address, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.profiles import examples
from vxland import identity
from vxland.addresses import IPAddress
from vxland.model import Desired
from vxland.observed import Host, Link, LocalAddress, Observed, VxlanState
from vxland.problems import Kind, Problem, Unresolved
from vxland.resolve import resolve
from vxland.settings import NodeSettings, OverlaySettings, PeerSettings, Settings, VxlanOptions
from vxland.underlay import traces
from vxland.underlay.names import FAMILIES, Answer
from vxland.underlay.whereabouts import (
    Whereabouts,
    choose,
    explained,
    survey,
    whereabouts,
)

PEERS = tuple(PeerSettings(f"lxd{n}", f"lxd{n}.example.org") for n in (1, 2, 3))
SETTINGS = Settings(overlays=(OverlaySettings("lan", "vxbr0"),), peers=PEERS)
HERE = Host(addresses=(LocalAddress(ip_interface("192.0.2.1/24"), "eth0"),))
OBSERVED = Observed(host=HERE)


def at(*texts: str) -> frozenset[IPAddress]:
    return frozenset(map(ip_address, texts))


def known(*texts: str, unsure: frozenset[int] = frozenset(), reason: str = "") -> Answer:
    return Answer(at(*texts), unsure, reason)


def answers(**texts: str) -> dict[str, Answer]:
    """What DNS says: addresses apart by spaces."""
    return {f"{name}.example.org": known(*text.split()) for name, text in texts.items()}


ALL = answers(lxd1="192.0.2.1", lxd2="192.0.2.2", lxd3="192.0.2.3")


def tunnel(peer: str, remote: str, *, node: str = "lxd1", local: str = "192.0.2.1") -> Link:
    """A marked device as that node made it."""
    state = VxlanState(1, 4789, ip_address(local), ip_address(remote), VxlanOptions())
    return Link(
        identity.pair_device("lan", peer),
        "vxlan",
        identity.vtep_alias("lan", peer),
        mac=identity.mac(node, "lan", peer),
        vxlan=state,
    )


def seen(*links: Link, host: Host = HERE) -> Observed:
    return Observed(links={link.name: link for link in links}, host=host)


TUNNELS = seen(tunnel("lxd2", "192.0.2.2"), tunnel("lxd3", "192.0.2.3"))


def found(
    told: Mapping[str, Answer],
    observed: Observed = OBSERVED,
    before: Mapping[str, IPAddress] | None = None,
    settings: Settings = SETTINGS,
) -> Whereabouts:
    return whereabouts(settings, told, observed, before or {})


def texts(where: Whereabouts) -> dict[str, str]:
    return {name: str(address) for name, address in where.addresses.items()}


EVERYBODY = {f"lxd{n}": f"192.0.2.{n}" for n in (1, 2, 3)}


def test_addresses_that_are_written_out_are_what_they_are() -> None:
    """Nobody is asked, nothing is remembered."""
    settings = replace(SETTINGS, peers=(PeerSettings("a", "192.0.2.9"),))
    assert found({}, TUNNELS, settings=settings) == Whereabouts({"a": ip_address("192.0.2.9")})


def test_names_are_where_they_are_said_to_be() -> None:
    where = found(ALL)
    assert texts(where) == EVERYBODY
    assert (where.problems, where.notes, where.complete) == ({}, (), True)
    assert where.kept == where.addresses


def test_a_name_is_asked_for_in_small_letters() -> None:
    settings = replace(SETTINGS, peers=(PeerSettings("a", "LXD2.Example.org"),))
    assert texts(found(ALL, settings=settings)) == {"a": "192.0.2.2"}


def test_without_answers_the_kernel_remembers() -> None:
    """Where tunnels lead, and who this machine is: by a MAC that it alone gives."""
    where = found({}, TUNNELS)
    assert texts(where) == EVERYBODY
    assert not where.complete
    assert resolve(SETTINGS, where.addresses, HERE).node == "lxd1"


def test_tunnels_with_the_macs_of_earlier_say_the_same() -> None:
    """Their first byte was another; they get today's when it is known who this machine is."""
    earlier = [replace(link, mac=f"02{link.mac[2:]}") for link in TUNNELS.links.values()]
    assert texts(found({}, seen(*earlier))) == EVERYBODY


def test_another_nodes_tunnels_say_nothing_of_this_one() -> None:
    """As on a machine that was cloned."""
    where = found({}, seen(tunnel("lxd2", "192.0.2.2", node="other")))
    assert texts(where) == {"lxd2": "192.0.2.2"}
    assert where.problems.keys() == {"lxd1", "lxd3"}


def test_what_was_known_counts_before_the_kernel() -> None:
    """So that a remote that somebody changed is put right."""
    before = {"lxd2": ip_address("192.0.2.2"), "lxd3": ip_address("192.0.2.3")}
    changed = seen(tunnel("lxd2", "192.0.2.99"), tunnel("lxd3", "192.0.2.99"))
    assert texts(found({}, changed, before)) == EVERYBODY


def test_a_name_that_nobody_knows_waits() -> None:
    """With the reason; what is to be known next time is what is known."""
    told = ALL | {"lxd3.example.org": Answer(reason="SERVFAIL")}
    where = found(told)
    assert texts(where) == {"lxd1": "192.0.2.1", "lxd2": "192.0.2.2"}
    problem = where.problems["lxd3"]
    assert (problem.kind, problem.peer) == (Kind.WAITING, "lxd3")
    assert "lxd3.example.org: SERVFAIL" in problem.text
    assert "getent ahosts lxd3.example.org" in problem.cure
    assert where.kept.keys() == {"lxd1", "lxd2"}


def test_a_reason_gets_into_each_overlay() -> None:
    overlays = (OverlaySettings("lan", "vxbr0"), OverlaySettings("dmz", "vxbr1"))
    settings = replace(SETTINGS, overlays=overlays)
    where = found(ALL | {"lxd3.example.org": Answer(reason="SERVFAIL")}, settings=settings)
    desired = explained(resolve(settings, where.addresses, HERE), where)
    waiting = [problem for overlay in desired.overlays for problem in overlay.waiting]
    assert [(problem.overlay, problem.peer) for problem in waiting] == [
        ("lan", "lxd3"),
        ("dmz", "lxd3"),
    ]
    assert all("SERVFAIL" in problem.text for problem in waiting)


def test_what_waits_for_something_else_keeps_its_reason() -> None:
    """And without problems nothing is another."""
    desired = resolve(SETTINGS, found(ALL).addresses, HERE)
    assert explained(desired, found(ALL)) is desired
    six = found(
        answers(lxd2="2001:db8::2")
        | {"lxd1.example.org": known("192.0.2.1", unsure=frozenset({6}))}
    )
    waiting = resolve(SETTINGS, six.addresses, HERE)
    told = explained(waiting, six).overlays[0].waiting
    assert ["no IPv6 address" in p.text for p in told] == [True, False]


def test_names_that_cant_be_confirmed_are_worth_a_note() -> None:
    """One for all, not in the way of anything; the first few by name."""
    many = tuple(PeerSettings(f"p{n}", f"p{n}.example.org") for n in range(5))
    told = {
        f"p{n}.example.org": known(f"192.0.2.{n + 1}", reason="no answer from 192.0.2.53")
        for n in range(5)
    }
    settings = replace(SETTINGS, peers=many)
    (note,) = found(told, settings=settings).notes
    assert note.kind is Kind.HINT
    assert note.text.startswith("p0.example.org, p1.example.org, p2.example.org and 2 more can't")
    assert "no answer from 192.0.2.53" in note.text
    assert note.about == "names"
    (note,) = found(dict(list(told.items())[:1]), settings=replace(SETTINGS, peers=many[:1])).notes
    assert note.text.startswith("p0.example.org can't")


def test_one_address_is_one_peers() -> None:
    """Whose it was; else who has it written out; else the first in the file."""
    same = ALL | answers(lxd3="192.0.2.2")
    where = found(same)
    assert texts(where) == {"lxd1": "192.0.2.1", "lxd2": "192.0.2.2"}
    assert where.problems["lxd3"].kind is Kind.CONFLICT
    assert "192.0.2.2, and so is peer lxd2" in where.problems["lxd3"].text
    moved = ALL | answers(lxd2="192.0.2.3")
    where = found(moved, TUNNELS)
    assert texts(where) == {"lxd1": "192.0.2.1", "lxd3": "192.0.2.3"}
    assert str(where.kept["lxd2"]) == "192.0.2.2"
    literal = replace(SETTINGS, peers=(*PEERS[:2], PeerSettings("lxd3", "192.0.2.2")))
    assert texts(found(ALL, settings=literal)) == {"lxd1": "192.0.2.1", "lxd3": "192.0.2.2"}


def test_peers_that_change_places_change_places() -> None:
    where = found(ALL | answers(lxd2="192.0.2.3", lxd3="192.0.2.2"), TUNNELS)
    assert texts(where) == EVERYBODY | {"lxd2": "192.0.2.3", "lxd3": "192.0.2.2"}


def test_this_machines_address_for_another_peer() -> None:
    """Who doesn't know which it is takes neither; who remembers isn't led astray."""
    wrong = ALL | answers(lxd2="192.0.2.1")
    where = found(wrong)
    assert texts(where)["lxd1"] == texts(where)["lxd2"] == "192.0.2.1"  # resolve says so
    where = found(wrong, TUNNELS)
    assert texts(where) == {"lxd1": "192.0.2.1", "lxd3": "192.0.2.3"}
    assert where.problems["lxd2"].kind is Kind.CONFLICT
    both = ALL | answers(lxd2="192.0.2.1 192.0.2.22")
    assert texts(found(both, TUNNELS)) == EVERYBODY | {"lxd2": "192.0.2.22"}
    silent = wrong | {"lxd1.example.org": Answer()}
    assert texts(found(silent, TUNNELS))["lxd1"] == "192.0.2.1"


def test_machines_that_changed_places_before_dns_knows_arent_each_other() -> None:
    """Tunnels tell who made them; until DNS does, too, nothing is known that could do harm."""
    told = ALL | answers(lxd1="192.0.2.2", lxd2="192.0.2.1")
    where = found(told, TUNNELS)
    assert where.problems["lxd2"].kind is Kind.CONFLICT
    with pytest.raises(Unresolved, match="none of the peers' addresses"):
        resolve(SETTINGS, where.addresses, HERE)


def test_an_address_that_is_written_out_says_who_this_machine_is() -> None:
    """Whoever made the tunnels; but where a name says something else, those count."""
    listed = (PEERS[0], PeerSettings("me", "192.0.2.1"), PEERS[2])
    settings = replace(SETTINGS, peers=listed)
    told = ALL | answers(lxd1="192.0.2.7")
    assert resolve(settings, found(told, TUNNELS, settings=settings).addresses, HERE).node == "me"
    where = found(ALL, TUNNELS, settings=settings)
    assert where.problems["me"].kind is Kind.CONFLICT
    assert resolve(settings, where.addresses, HERE).node == "lxd1"


def test_the_address_that_is_here_counts_of_this_machines_own() -> None:
    """Whichever it had, and whichever is smaller."""
    told = ALL | answers(lxd1="192.0.2.200 192.0.2.1 192.0.2.0")
    assert texts(found(told))["lxd1"] == "192.0.2.1"


def test_what_a_machine_has_stays_while_it_is_among_its_own() -> None:
    """As the others hold it; IPv4 before IPv6, whichever tunnel is asked first."""
    more = (LocalAddress(ip_interface(text), "eth0") for text in ("192.0.1.9/24", "2001:db8::1/64"))
    host = replace(HERE, addresses=(*HERE.addresses, *more))
    told = ALL | answers(lxd1="192.0.1.9 192.0.2.1 2001:db8::1")
    assert texts(found(told, seen(host=host)))["lxd1"] == "192.0.1.9"
    links = (tunnel("lxd2", "2001:db8::2", local="2001:db8::1"), tunnel("lxd3", "192.0.2.3"))
    assert texts(found(told, seen(*links, host=host)))["lxd1"] == "192.0.2.1"
    silent = ALL | {"lxd1.example.org": Answer()}
    assert texts(found(silent, seen(*links, host=host)))["lxd1"] == "192.0.2.1"
    gone = answers(lxd1="192.0.1.9 2001:db8::1")
    assert texts(found(told | gone, seen(*links, host=host)))["lxd1"] == "192.0.1.9"


def test_the_file_may_say_who_this_machine_is() -> None:
    """Its tunnels' own address is remembered then too; one in [node] says its family."""
    named = replace(SETTINGS, node=NodeSettings("lxd1"))
    assert texts(found({}, TUNNELS, settings=named))["lxd1"] == "192.0.2.1"
    unlisted = replace(
        SETTINGS, node=NodeSettings("nat", ip_address("2001:db8::9")), peers=PEERS[1:]
    )
    told = ALL | answers(lxd2="192.0.2.2 2001:db8::2")
    assert texts(found(told, settings=unlisted))["lxd2"] == "2001:db8::2"
    by_address = replace(SETTINGS, node=NodeSettings(address=ip_address("192.0.2.3")))
    told = ALL | answers(lxd3="192.0.2.3 192.0.2.1")
    where = found(told, seen(host=Host()), settings=by_address)
    assert resolve(by_address, where.addresses, Host()).node == "lxd3"


def test_a_broadcast_address_is_nobodys() -> None:
    """Other addresses of the name are."""
    where = found(ALL | answers(lxd2="192.0.2.255", lxd3="192.0.2.255 192.0.2.3"))
    assert texts(where) == {"lxd1": "192.0.2.1", "lxd3": "192.0.2.3"}
    assert "192.0.2.255, a broadcast address" in where.problems["lxd2"].text


BRIDGED = replace(SETTINGS, overlays=(OverlaySettings("lan", "vxbr0"), OverlaySettings("d", "br9")))
INNER = LocalAddress(ip_interface("10.10.10.1/24"), "vxbr0")


@pytest.mark.parametrize(
    ("told", "host", "overlays", "expected"),
    [
        ("10.10.10.2 192.0.2.2", (INNER,), None, "192.0.2.2"),
        ("10.10.10.2", (INNER,), None, None),
        ("10.10.11.2", (INNER,), None, "10.10.11.2"),
        # in an overlay that it isn't in: one overlay may well lead through another
        ("10.10.10.2", (INNER,), frozenset({"d"}), "10.10.10.2"),
        # reached on the underlay, by a network that is as small
        (
            "10.10.10.2",
            (INNER, LocalAddress(ip_interface("10.10.10.9/25"), "eth0")),
            None,
            "10.10.10.2",
        ),
        ("10.10.10.2", (INNER, LocalAddress(ip_interface("10.10.10.9/16"), "eth0")), None, None),
    ],
)
def test_an_address_in_the_overlay_itself_is_no_way_to_a_peer(
    told: str,
    host: tuple[LocalAddress, ...],
    overlays: frozenset[str] | None,
    expected: str | None,
) -> None:
    """The tunnel would lead through itself."""
    listed = (PEERS[0], replace(PEERS[1], overlays=overlays))
    settings = replace(BRIDGED, peers=listed)
    where = found(
        answers(lxd1="192.0.2.1", lxd2=told),
        seen(host=Host(addresses=(*HERE.addresses, *host))),
        settings=settings,
    )
    assert texts(where).get("lxd2") == expected
    if expected is None:
        assert "10.10.10.2, in the network 10.10.10.0/24" in where.problems["lxd2"].text
        assert "of overlay lan itself" in where.problems["lxd2"].text


def test_a_machines_own_address_isnt_the_one_in_the_overlay() -> None:
    """Though that is smaller, and on an interface of its; before the bridge is there, too."""
    told = ALL | answers(lxd1="10.10.10.1 192.0.2.1")
    inner = (INNER, LocalAddress(ip_interface("10.10.0.1/16"), "vxbr0"))
    where = found(told, seen(host=Host(addresses=(*inner, *HERE.addresses))), settings=BRIDGED)
    assert texts(where)["lxd1"] == "192.0.2.1"
    lan = OverlaySettings("lan", "vxbr0", addresses=(INNER.interface,))
    where = found(told | answers(lxd2="10.10.10.2"), settings=replace(SETTINGS, overlays=(lan,)))
    assert (texts(where)["lxd1"], "lxd2" in where.problems) == ("192.0.2.1", True)


@pytest.mark.parametrize(
    ("answer", "present", "mine", "chosen"),
    [
        (known(), None, known("192.0.2.1"), None),
        (Answer(), "192.0.2.2", known("192.0.2.1"), "192.0.2.2"),
        (known("192.0.2.10", "192.0.2.9"), None, known("192.0.2.1"), "192.0.2.9"),
        (known("192.0.2.10", "192.0.2.9"), "192.0.2.10", known("192.0.2.1"), "192.0.2.10"),
        (known("192.0.2.10", "192.0.2.9"), "192.0.2.2", known("192.0.2.1"), "192.0.2.9"),
        # IPv4 where both have it, else IPv6; where they share nothing, whatever there is
        (known("192.0.2.2", "2001:db8::2"), None, known("192.0.2.1", "2001:db8::1"), "192.0.2.2"),
        (known("192.0.2.2", "2001:db8::2"), None, known("2001:db8::1"), "2001:db8::2"),
        (known("2001:db8::2"), None, known("192.0.2.1"), "2001:db8::2"),
        (known("192.0.2.2", "2001:db8::2"), "2001:db8::2", known("192.0.2.1"), "192.0.2.2"),
        # what nobody answered for isn't gone
        (known("2001:db8::2", unsure=frozenset({4})), "192.0.2.2", known("192.0.2.1"), "192.0.2.2"),
        (known("192.0.2.2", "2001:db8::2"), "2001:db8::2", Answer(), "2001:db8::2"),
        (known("192.0.2.2", "2001:db8::2"), "2001:db8::3", Answer(), "192.0.2.2"),
    ],
)
def test_the_address_that_is_chosen(
    answer: Answer, present: str | None, mine: Answer, chosen: str | None
) -> None:
    now = None if present is None else ip_address(present)
    assert choose(answer, now, mine) == (None if chosen is None else ip_address(chosen))


POOL = at("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2")
SURE = st.frozensets(st.sampled_from(sorted(POOL, key=str)), min_size=1).map(
    lambda addresses: Answer(addresses, frozenset(), "")
)
SEEN = st.one_of(
    SURE,
    st.just(Answer()),
    st.sampled_from(sorted(POOL, key=str)).map(
        lambda a: Answer(frozenset({a}), FAMILIES - {a.version}, "")
    ),
)


@given(SEEN, st.none() | st.sampled_from(sorted(POOL, key=str)), SEEN)
@examples(500)
def test_a_choice_stands(answer: Answer, present: IPAddress | None, mine: Answer) -> None:
    """Made again it is the same; it is one of those that are known, or what was there."""
    chosen = choose(answer, present, mine)
    assert chosen is None or chosen in answer.addresses | {present}
    assert (chosen is None) == (present is None and not answer.addresses) or answer.addresses
    assert choose(answer, chosen, mine) == chosen


@given(SURE, SURE, *[st.none() | st.sampled_from(sorted(POOL, key=str))] * 2)
@examples(500)
def test_both_ends_choose_one_family(
    one: Answer, other: Answer, at_one: IPAddress | None, at_other: IPAddress | None
) -> None:
    """Whatever they had before, where there is one that both have."""
    there, back = choose(other, at_one, one), choose(one, at_other, other)
    assert there is not None
    assert back is not None
    families = {a.version for a in one.addresses} & {a.version for a in other.addresses}
    assert not families or there.version == back.version == min(families)


def test_what_the_kernel_remembers() -> None:
    """By marks alone, of devices that are tunnels."""
    bridge = Link("vxbr0", "bridge", identity.bridge_alias("lan"))
    bare = replace(tunnel("lxd3", "192.0.2.3"), vxlan=None)
    stranger = replace(tunnel("lxd4", "192.0.2.4"), alias="", name="vxlan7")
    newborn = replace(stranger, group=identity.GROUP, name="vxlan8")
    lost = tunnel("lxd5", "192.0.2.5")
    assert lost.vxlan is not None
    lost = replace(lost, vxlan=replace(lost.vxlan, remote=None, local=None))
    observed = seen(bridge, bare, stranger, newborn, lost, tunnel("lxd2", "192.0.2.2"))
    assert traces.ends(observed, None) == {"lxd2": ip_address("192.0.2.2")}
    assert traces.ends(observed, "lxd1")["lxd1"] == ip_address("192.0.2.1")
    assert "other" not in traces.ends(observed, "other")


class Eyes:
    """A kernel that notes what it is asked for routes to."""

    def __init__(self, observed: Observed) -> None:
        self.observed = observed
        self.asked: list[frozenset[IPAddress]] = []
        self.others = False
        self.guards: Collection[str] = ()

    def host(self, remotes: frozenset[IPAddress] = frozenset()) -> Host:
        self.asked.append(remotes)
        return Host()

    def observe(
        self,
        remotes: frozenset[IPAddress] = frozenset(),
        *,
        others: bool = False,
        guards: Collection[str] = (),
    ) -> Observed:
        self.others, self.guards = others, guards
        self.asked.append(remotes)
        return self.observed


def test_routes_are_looked_for_to_where_the_peers_are() -> None:
    """Once more only where somebody is somewhere new."""
    eyes = Eyes(OBSERVED)
    observed, where = survey(eyes, SETTINGS, ALL, {})
    assert eyes.asked == [frozenset(), frozenset(where.addresses.values())]
    assert observed.host == Host()
    eyes = Eyes(OBSERVED)
    observed, where = survey(eyes, SETTINGS, ALL, where.kept)
    assert eyes.asked == [frozenset(where.addresses.values())]
    assert observed == OBSERVED


def test_addresses_that_are_written_out_are_where_the_peers_are() -> None:
    """Nothing else has to be thought about."""
    peers = tuple(PeerSettings(f"lxd{n}", f"192.0.2.{n}") for n in (1, 2))
    settings = replace(SETTINGS, peers=peers)
    eyes = Eyes(OBSERVED)
    observed, where = survey(eyes, settings, ALL, {})
    assert where == whereabouts(settings, ALL, OBSERVED, {}) == Whereabouts(where.addresses)
    assert eyes.asked == [frozenset(where.addresses.values())]
    assert observed == OBSERVED


@pytest.mark.parametrize("adopt", [False, True])
def test_others_rules_are_looked_at_where_they_may_be_taken_over(*, adopt: bool) -> None:
    """And nowhere else: a table may have thousands."""
    eyes = Eyes(OBSERVED)
    overlays = (OverlaySettings("lan", "vxbr0"), OverlaySettings("dmz", "vxbr1", adopt=adopt))
    survey(eyes, replace(SETTINGS, overlays=overlays), ALL, {})
    assert eyes.others is adopt


def test_guards_are_looked_for_where_some_overlay_wants_them() -> None:
    """Whether there can be a table costs milliseconds to find out."""
    eyes = Eyes(OBSERVED)
    overlays = (
        OverlaySettings("lan", "vxbr0", guards=("isolated",)),
        OverlaySettings("dmz", "vxbr1", guards=("isolated", "nftables")),
    )
    survey(eyes, replace(SETTINGS, overlays=overlays), ALL, {})
    assert set(eyes.guards) == {"isolated", "nftables"}


def test_routes_are_looked_for_as_from_the_address_in_node() -> None:
    """It is asked for with the others, so that it is known to be this machine's own."""
    eyes = Eyes(OBSERVED)
    own = ip_address("10.0.0.1")
    survey(eyes, replace(SETTINGS, node=NodeSettings("lxd1", own)), ALL, {})
    assert eyes.asked[0] == {own}


def test_a_desired_state_is_not_needed_for_problems() -> None:
    where = Whereabouts(problems={"a": Problem(Kind.WAITING, "text", peer="a")})
    assert explained(Desired("", ()), where) == Desired("", ())


def test_names_without_a_version_in_common_are_known() -> None:
    """In a mesh there can be no tunnel; a written address is no better."""
    told = answers(lxd1="192.0.2.1", lxd2="2001:db8::2", lxd3="192.0.2.3 2001:db8::3")
    assert found(told).beyond.apart == {"lxd2"}
    written = replace(SETTINGS, peers=(PEERS[0], PeerSettings("lxd2", "2001:db8::2")))
    assert found(told, settings=written).beyond.apart == {"lxd2"}


def test_an_address_in_node_counts_besides_the_names_of_the_other_version() -> None:
    """Peers of that version know those."""
    node = NodeSettings("lxd1", ip_address("10.0.0.1"))
    told = answers(lxd1="192.0.2.1 2001:db8::1", lxd2="2001:db8::2", lxd3="192.0.2.3")
    where = found(told, settings=replace(SETTINGS, node=node))
    assert {"lxd2": "2001:db8::2", "lxd3": "192.0.2.3"}.items() <= texts(where).items()
    assert where.beyond.mine == at("192.0.2.1", "2001:db8::1")
