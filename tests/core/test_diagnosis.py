"""What the doctor makes of facts, by tables: each check, each way it can be."""

from ipaddress import ip_address
from pathlib import Path as File
from typing import Any, get_type_hints, is_typeddict

import pytest
from msgspec.structs import replace

from tests.core.test_report import desired, report, seen
from tests.core.test_status import documented, written
from vxland.diagnosis import CHECKS, Finding, State, diagnose, diagnosis_json, shape
from vxland.diagnosis.facts import (
    Facts,
    InputChain,
    Path,
    Place,
    Stray,
    Through,
    Told,
)
from vxland.diagnosis.targets import Target, targets
from vxland.identity import mac
from vxland.observed import Claim, Host, Link, Observed, Route
from vxland.problems import Kind, Problem
from vxland.settings import Df
from vxland.status.build import Past, report_status

DOCUMENT = File(__file__).parents[2] / "docs" / "doctor.md"
SHAPES: dict[str, Any] = {name: value for name, value in vars(shape).items() if is_typeddict(value)}
PEER = ip_address("192.0.2.2")
BY = ip_address("198.51.100.1")
KEY = ("lan", "lxd2")
WELL = Through(answered=True, wire=True, full=True, plain=True, checksum=True, segments=True)
SILENT = Through()
CLOSED = Told(PEER, "port unreachable", closed=True)
FILTERED = Told(BY, "administratively prohibited", filtered=True)
LOST = Told(BY, "host unreachable")
HINT = Problem(Kind.HINT, "worth knowing", "look", overlay="lan", peer="lxd2")
FILE = Problem(Kind.HINT, "ifupdown is to configure vxbr0 (/etc/network/interfaces:1): …")
PROBLEM = Problem(Kind.CONFLICT, "taken", "free it", overlay="lan")


def observed(*links: Link) -> Observed:
    """The bridge, the tunnel, a route, and these."""
    routes = {PEER: Route("eth0", 1500)}
    return Observed(
        links={**seen().links, **{link.name: link for link in links}}, host=Host(routes=routes)
    )


def target(**changes: Any) -> Target:  # noqa: ANN401 - any field
    """The tunnel to lxd2."""
    (only,) = targets(desired(), observed())
    return replace(only, **changes)


def facts(through: Through | None = WELL, **changes: Any) -> Facts:  # noqa: ANN401 - any field
    """Of a node where all is well, but for these."""
    turn = report()
    status = report_status(turn, Past(started_at=900.0))
    well = Facts(
        status=status,
        observed=observed(),
        targets=(target(),),
        digest=turn.config.digest,
        synchronized=True,
        features={"eth0": {"tx-udp_tnl-segmentation": True}},
        paths={target().ends: Path(1500, 1500, ahead=0.1)},
        kept_out={"": 0, "lan": 0},
        through={} if through is None else {KEY: through},
    )
    return replace(well, **changes)


def path(*about: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - of Path
    """As a change of the facts: how the path was measured."""
    return {"paths": {target().ends: Path(*about, **more)}}


def port(told: Told) -> dict[str, Any]:
    """As a change of the facts: who refused the port."""
    return {"ports": {(target().ends, 4789): told}}


def found(check: str, of: Facts) -> list[Finding]:
    """What one check finds."""
    return [finding for finding in diagnose(of) if finding.check == check]


def status(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any key
    """As a change of the facts: another status."""
    return {"status": {**facts().status, **changes}}


def config(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any key
    """The same, of its part about the configuration."""
    return status(config={**facts().status["config"], **changes})


def problems(*of: Problem, in_sync: bool = True, daemon: str = "running") -> dict[str, Any]:
    """The same, with problems."""
    told = report_status(report(problems=of))["problems"]
    return status(problems=told, in_sync=in_sync, daemon=daemon)


def test_all_is_well() -> None:
    """Each check says so, in the order of the table, and where it says anything."""
    findings = diagnose(facts())
    assert {finding.state for finding in findings} == {State.OK}
    names = [finding.check for finding in findings]
    assert names == [name for name in CHECKS if name in names]
    assert set(CHECKS) - set(names) == {"rights", "guests", "vni"}


def test_as_json() -> None:
    """With the counts of all states, also of those that there are none of."""
    told = diagnosis_json(facts(SILENT), at=5.0, seconds=2.0)
    assert told["counts"] == {"problem": 1, "warning": 0, "unknown": 1, "ok": 10}
    assert (told["node"], told["daemon"], told["at"], told["seconds"]) == (
        *("lxd1", "running"),
        *(5.0, 2.0),
    )
    (finding,) = (f for f in told["findings"] if f["state"] == "problem")
    assert {key: finding[key] for key in ("check", "overlay", "peer", "device")} == {
        "check": "tunnel",
        "overlay": "lan",
        "peer": "lxd2",
        "device": "vxl-lan-lxd2",
    }


QUIET = {"targets": (target(quiet={"vxlan0": 0}),)}

CASES: list[tuple[str, dict[str, Any], State, str, str]] = [
    # check, facts, state, text, cure
    ("rights", {"denied": "no CAP_NET_RAW"}, State.UNKNOWN, "no CAP_NET_RAW", "sudo vxland"),
    ("daemon", status(daemon="not running"), State.WARNING, "doesn't run here", "systemctl"),
    ("daemon", status(daemon="silent"), State.PROBLEM, "doesn't answer", "systemctl status"),
    ("config", config(errors=["line 1"]), State.PROBLEM, "was refused, and", "vxland check"),
    ("config", status(daemon="not running"), State.OK, "is valid", ""),
    ("config", {"digest": "other"}, State.WARNING, "aren't in force", "vxland reload"),
    ("sync", problems(PROBLEM, in_sync=False), State.PROBLEM, "taken", "free it"),
    ("sync", problems(FILE), State.OK, "are as configured", ""),
    ("sync", problems(in_sync=False), State.PROBLEM, "aren't as configured", "vxland status"),
    (
        "sync",
        problems(in_sync=False, daemon="not running"),
        *(State.PROBLEM, "aren't as configured", "vxland apply"),
    ),
    ("clock", {"synchronized": False}, State.OK, "as that of 1 peers", ""),
    ("clock", {"synchronized": None}, State.OK, "as that of 1 peers", ""),
    ("clock", {"synchronized": None, "paths": {}}, State.UNKNOWN, "doesn't tell", ""),
    ("clock", {"synchronized": False, "paths": {}}, State.WARNING, "nothing sync", "set-ntp true"),
    (
        "managers",
        {"claims": (Claim("systemd-networkd", "vxl-a-b", "/etc/x.network"),)},
        *(
            State.WARNING,
            "systemd-networkd is to manage vxl-a-b (/etc/x.network)",
            "'vxl-* vxland-*' >",
        ),
    ),
    (
        "managers",
        {"claims": (Claim("NetworkManager", "vxbr0", "/run/NetworkManager/devices/7"),)},
        *(State.WARNING, "NetworkManager manages vxbr0", "nmcli device set vxbr0 managed no"),
    ),
    (
        "managers",
        {"claims": (Claim("ifupdown", "vxbr0", "/etc/network/interfaces"),)},
        *(State.WARNING, "ifupdown is to configure vxbr0", "out of /etc/network/interfaces. If"),
    ),
    (
        "managers",
        {"claims": tuple(Claim("udev", f"vxl-a-{n}", f"/run/udev/data/n{n}") for n in range(5))},
        *(State.WARNING, "vxl-a-0, vxl-a-1, vxl-a-2 and 2 more", "udevadm trigger"),
    ),
    ("checksums", {"checksum_errors": 3}, State.WARNING, "3 UDP packets came", "tx off"),
    ("cards", {"features": {"eth0": {}}}, State.OK, "does nothing for tunnels", ""),
    ("path", path(1500), State.OK, "doesn't answer ping", ""),
    ("port", port(CLOSED), State.PROBLEM, "nothing listens at UDP 4789", "systemctl enable"),
    ("port", port(CLOSED), State.PROBLEM, "or a firewall rejects it", "let UDP port 4789 in"),
    ("port", port(FILTERED), State.PROBLEM, "refused by 198.51.100.1: administ", "192.0.2.1"),
    ("port", port(LOST), State.PROBLEM, "refused by 198.51.100.1: host unreachable", ""),
    (
        "vni",
        {"strays": {Stray(PEER, 7)}},
        *(State.WARNING, "its packets come with VNI 7", "more overlays"),
    ),
    (
        "vni",
        {"strays": {Stray(BY, 7)}},
        *(State.WARNING, "come from 198.51.100.1, which is no peer", "[[peer]]"),
    ),
    ("vni", QUIET, State.OK, "nothing came by the VNIs that this server only hears", ""),
    (
        "vni",
        {**QUIET, "heard": {"vxl-lan-lxd2", "vxlan0"}},
        *(State.OK, "packets came by VNIs that this server only hears (vxlan0): some server", ""),
    ),
]


@pytest.mark.parametrize(("check", "changes", "state", "text", "cure"), CASES)
def test_a_check(check: str, changes: dict[str, Any], state: State, text: str, cure: str) -> None:
    """One thing is otherwise, one finding says so."""
    (finding,) = found(check, facts(**changes))
    assert finding.state is state
    assert text in finding.text
    assert cure in finding.cure
    assert bool(finding.cure) is bool(cure)


Row = tuple[str, Through | None, dict[str, Any], State, str, str]
TUNNELS: list[Row] = [
    # check, through, other facts, state, text, cure
    ("path", SILENT, path(1500), State.UNKNOWN, "doesn't answer ping: it is off", ""),
    ("path", Through(answered=True), path(1500), State.UNKNOWN, "the tunnel works", ""),
    ("path", None, path(1500, told=LOST), State.PROBLEM, "says: host unreach", "tracepath 192."),
    ("path", SILENT, path(1500, 1400), State.PROBLEM, "nobody says so (no ICMP): larg", "1350"),
    ("path", WELL, path(1500, 1400, narrow=(BY, 1400)), State.WARNING, "says 198.51.100.1", "mtu"),
    ("path", WELL, path(1500, 1400), State.WARNING, "cut on the way", "mtu = 1350 in [[overlay]]"),
    ("path", Through(fits=1350), path(1500, 1400), State.WARNING, "cut on the way", "1350"),
    ("port", SILENT, {}, State.UNKNOWN, "isn't refused, which doesn't mean", ""),
    ("port", None, {}, State.UNKNOWN, "isn't refused, which doesn't mean", ""),
    ("port", Through(wire=True), {}, State.OK, "UDP 4789 is open", ""),
    ("tunnel", None, {}, State.UNKNOWN, "vxl-lan-lxd2 isn't there, or down", ""),
    ("tunnel", Through(answered=True), {}, State.UNKNOWN, "has no IPv6", ""),
    (
        "tunnel",
        Through(answered=True, full=False),
        *({}, State.PROBLEM, "those of 1450 bytes vanish: ssh works", "mtu in [[overlay]]"),
    ),
    (
        "tunnel",
        Through(answered=True, full=False, fits=1350),
        *({}, State.WARNING, "those of 1350 do: what heeds that works", "mtu in [[overlay]]"),
    ),
    (
        "tunnel",
        replace(WELL, pieces=True),
        *({"targets": (target(mtu=1500),)}, State.OK, "1450 bytes inside; those of 1500 get", ""),
    ),
    (
        "tunnel",
        replace(WELL, pieces=False),
        *({"targets": (target(mtu=1500),)}, State.PROBLEM, "those of 1500 leave in pieces, and"),
        'mtu = "auto" in [[overlay]] lan on all servers, and 1450 in their guests',
    ),
    ("tunnel", Through(wire=True), {}, State.PROBLEM, "a firewall here drops UDP", "nft list"),
    (
        "tunnel",
        Through(wire=True),
        {"checksum_errors": 1},
        *(State.PROBLEM, "come with a wrong checksum", "ethtool -K DEVICE tx off"),
    ),
    ("tunnel", Through(sent=False), {}, State.PROBLEM, "takes no frames", "route get 192.0.2.2"),
    (
        "tunnel",
        SILENT,
        {"heard": frozenset({"vxl-lan-lxd2"})},
        *(State.WARNING, "frames come from it, but", "On that server, vxland doctor"),
    ),
    ("tunnel", SILENT, {}, State.PROBLEM, "nothing comes back, though", "named alike"),
    ("tunnel", SILENT, {"paths": {}}, State.PROBLEM, "nothing comes from it", "is 192.0.2.2 its"),
    ("tunnel", SILENT, path(1500), State.PROBLEM, "nothing comes from it", "is 192.0.2.2 its"),
    (
        "vni",
        SILENT,
        {"strays": {Stray(PEER, 7)}},
        *(State.PROBLEM, "its packets come with VNI 7", "named alike"),
    ),
    ("offload", replace(WELL, plain=False), {}, State.UNKNOWN, "couldn't be tried", ""),
    (
        "offload",
        replace(WELL, checksum=False, segments=None),
        *({}, State.PROBLEM, "checksum is left to eth0", "ethtool -K eth0 tx off"),
    ),
    (
        "offload",
        replace(WELL, segments=False),
        *({}, State.PROBLEM, "vanish that eth0 is to cut", "ethtool -K eth0 tx-udp_tnl-seg"),
    ),
]


@pytest.mark.parametrize("row", TUNNELS)
def test_a_check_of_a_tunnel(row: Row) -> None:
    """How frames fared, and what else is known, make one finding about the peer."""
    check, through, changes, state, text, cure = row
    (finding,) = found(check, facts(through, **changes))
    assert finding.state is state
    assert text in finding.text
    assert cure in finding.cure
    assert bool(finding.cure) is bool(cure)
    assert finding.peer == "lxd2"


def test_what_is_said_already_is_not_said_again() -> None:
    """Of a closed port, of tunnels without rights, of offload where nothing passes at all."""
    assert found("tunnel", facts(SILENT, **port(CLOSED))) == []
    assert found("tunnel", facts(None, denied="no rights")) == []
    assert found("offload", facts(SILENT)) == []
    assert found("path", facts(paths={})) == []


def test_clocks_that_differ() -> None:
    """By peer, ahead or behind; one whose peer is no target any more doesn't count."""
    for ahead, words in ((70.0, "70 s ahead of"), (-70.0, "70 s behind")):
        finding, here = found("clock", facts(**path(1500, 1500, ahead=ahead)))
        assert words in finding.text
        assert (finding.state, finding.peer) == (State.WARNING, "lxd2")
        assert here.state is State.OK
    assert found("clock", facts(targets=(), synchronized=False))[0].state is State.WARNING
    assert found("clock", facts(**path(1500, 1500), synchronized=False))[0].state is State.WARNING


def test_hints_are_warnings_unless_they_were_refuted() -> None:
    """A peer who had nothing to say until now has answered; other hints stand."""
    of = problems(HINT, replace(HINT, peer=""))
    assert [f.state for f in found("sync", facts(**of))] == [State.WARNING, State.OK]
    assert [f.state for f in found("sync", facts(SILENT, **of))] == [
        *(State.WARNING, State.WARNING),
        State.OK,
    ]
    out = problems(HINT, in_sync=False)
    assert [f.state for f in found("sync", facts(SILENT, **out))] == [
        *(State.WARNING, State.PROBLEM),
    ]


def test_addresses_at_two_places() -> None:
    """Behind two ports of a bridge; not where two bridges each have one."""
    here, there = Place("vxbr0", "veth1"), Place("vxbr0", "vxl-lan-lxd2")
    elsewhere = Place("br1", "veth9")
    clash = {"02:00:00:00:00:01": frozenset({here, there})}
    (finding,) = found("macs", facts(seen=clash))
    assert finding.text == (
        "02:00:00:00:00:01 is at veth1 and vxl-lan-lxd2 (to lxd2) by turns, as vxbr0 sees it"
    )
    assert "machine-id" in finding.cure
    assert finding.cure.startswith("Nothing, if it moved just now")
    shared = {"02:00:00:00:00:01": frozenset({Place("vxl-lan", str(PEER)), Place("vxl-lan", "x")})}
    (finding,) = found("macs", facts(seen=shared, targets=(target(shared=True),)))
    assert "is at 192.0.2.2 (to lxd2) and x by turns, as vxl-lan sees it" in finding.text
    two = tuple(replace(target(shared=True), device=name) for name in ("vxl-lan", "vxl-lan6"))
    by_turns = {Place("vxbr0", t.device) for t in two}
    seen = {"02:00:00:00:00:01": frozenset(by_turns)}
    assert [f.state for f in found("macs", facts(seen=seen, targets=two))] == [State.OK]
    seen = {"02:00:00:00:00:01": frozenset({*by_turns, here})}
    (finding,) = found("macs", facts(seen=seen, targets=two))
    assert "is at veth1 and vxl-lan" in finding.text
    devices = ("vxlan0", "vxlan1", "vxl-lan-lxd2")
    by_index = {mac: frozenset(Place("vxbr0", name) for name in devices) for mac in seen}
    speaking = (target(device="vxlan0"), target(device="vxl-lan-lxd2", quiet={"vxlan1": 1}))
    assert [f.state for f in found("macs", facts(seen=by_index, targets=speaking))] == [State.OK]
    pair = tuple(target(device=name) for name in devices[2:])
    assert [f.state for f in found("macs", facts(seen=by_index, targets=pair))] == [State.PROBLEM]
    apart = {"02:00:00:00:00:01": frozenset({here, elsewhere})}
    assert [f.state for f in found("macs", facts(seen=apart))] == [State.OK]


def test_bridges_with_one_address() -> None:
    """A peer's and ours, or two peers'."""
    lxd2, lxd3 = target(), target(peer="lxd3")
    ours = replace(WELL, macs=frozenset({lxd2.mac}))
    (finding,) = found("macs", facts(ours))
    assert "and is that of bridge vxbr0 here, too" in finding.text
    other = replace(WELL, macs=frozenset({"02:00:00:00:00:02"}))
    both = {KEY: other, ("lan", "lxd3"): other}
    (finding,) = found("macs", replace(facts(targets=(lxd2, lxd3)), through=both))
    assert finding.text == "02:00:00:00:00:02 answers at lxd2, lxd3"


def test_what_was_kept_out_meanwhile() -> None:
    """By overlay; what has no VNI in it is nobody's. Where nothing is filtered, nothing is said."""
    assert found("ingress", facts(kept_out={})) == []
    (well,) = found("ingress", facts(kept_out={"": 3, "lan": 0}))
    assert well.state is State.OK
    (finding,) = found("ingress", facts(kept_out={"": 0, "dmz": 0, "lan": 7}))
    assert (finding.state, finding.overlay) == (State.WARNING, "lan")
    assert finding.text.startswith("7 packets for overlay lan weren't from the peer")


@pytest.mark.parametrize(
    ("chain", "cure"),
    [
        (("ip", "filter", "INPUT"), "iptables -I INPUT -p udp --dport 4789 -j ACCEPT"),
        (("inet", "my own", "in"), "nft insert rule inet 'my own' in udp dport 4789 accept"),
        (("ip", "mine", "INPUT"), "nft insert rule ip mine INPUT udp dport 4789 accept"),
        (("inet", "filter", "INPUT"), "nft insert rule inet filter INPUT udp dport 4789 accept"),
        (
            ("inet", "firewalld", "filter_INPUT"),
            "firewall-cmd --add-port=4789/udp; firewall-cmd --add-port=4789/udp --permanent",
        ),
    ],
)
def test_how_a_firewall_here_is_opened(chain: tuple[str, str, str], cure: str) -> None:
    """In its own words; chains of the other family don't matter."""
    inputs = (InputChain(*chain), InputChain("ip6", "filter", "INPUT"))
    (finding,) = found("tunnel", facts(Through(wire=True), inputs=inputs))
    assert finding.cure == cure


def test_virtual_machines() -> None:
    """What can't be seen is said, with where to look."""
    taps = [Link(name, "tun", master="vxbr0") for name in ("vnet0", "tap7")]
    (finding,) = found("guests", facts(observed=observed(*taps)))
    assert (finding.state, finding.overlay) == (State.UNKNOWN, "lan")
    assert "(tap7, vnet0)" in finding.text
    assert "ip link set eth0 mtu 1450. For good: libvirt: <mtu size='1450'/>" in finding.cure
    (finding,) = found("guests", facts(observed=observed(taps[1])))
    assert finding.cure.endswith("mtu 1450")


def test_targets() -> None:
    """What is needed, what should pass, and what leaves in one piece."""
    plain = target()
    assert (plain.needed, plain.wanted, plain.whole) == (1500, 1500, 1450)
    assert (plain.underlay, plain.peer_mac, plain.df) == (
        *("eth0", mac("lxd2", "lan")),
        Df.UNSET,
    )
    jumbo = target(mtu=1500)
    assert (jumbo.needed, jumbo.wanted, jumbo.whole) == (1550, 1500, 1450)
    assert (plain.in_pieces, jumbo.in_pieces, replace(jumbo, df=Df.SET).in_pieces) == (
        *(False, True),
        False,
    )
    assert target(route_mtu=0).wanted == 1500
    (bare,) = targets(desired(), Observed())
    assert (bare.underlay, bare.route_mtu) == ("", 0)
    (fits,) = found("path", facts(targets=(jumbo,)))
    assert "those of up to 1550 are cut here, since the MTU is 1500" in fits.text


def test_a_shared_device_is_not_one_peers() -> None:
    """That something came out of it says nothing of this one."""
    (finding,) = found(
        "tunnel",
        facts(SILENT, targets=(target(shared=True),), heard=frozenset({"vxl-lan-lxd2"})),
    )
    assert finding.state is State.PROBLEM


@pytest.mark.parametrize("name", SHAPES)
def test_the_documentation_says_the_same(name: str) -> None:
    """Every key, in order, with its type, and no other."""
    meant = {key: written(kind, SHAPES) for key, kind in get_type_hints(SHAPES[name]).items()}
    assert list(documented(DOCUMENT)[name].items()) == list(meant.items())


def test_the_documentation_has_every_check() -> None:
    """In the order in which they are told; and no other types."""
    assert list(documented(DOCUMENT)["CHECKS"]) == list(CHECKS)
    assert set(documented(DOCUMENT)) == {"CHECKS", *SHAPES}
