"""What an address of a server is, as it is written."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from vxland import peers
from vxland.peers import host_name, literal
from vxland.settings import PeerSettings

FINE = (
    "203.0.113.1",
    "10.0.0.1",
    "169.254.1.1",
    "255.255.255.254",
    "2001:db8::1",
    "2001:DB8:0:0:0:0:0:1",
    "fd00::1",
    "::2:1",
    "fe80::1%eth0",
    "fe80::1%vlan.7",
)
NEITHER = "is neither an IP address nor a host name"
WRONG = {
    "": "is not an IP address",
    "0.0.0.0": "is the unspecified address",
    "::": "is the unspecified address",
    "127.0.0.1": "is a loopback address",
    "127.255.0.1": "is a loopback address",
    "::1": "is a loopback address",
    "224.0.0.1": "is a multicast address",
    "239.1.1.1": "is a multicast address",
    "ff02::1": "is a multicast address",
    "255.255.255.255": "is the broadcast address",
    "::ffff:203.0.113.1": "is an IPv4 address in IPv6 form",
    "fe80::1": "is a link-local IPv6 address, which means something on one interface only",
    "fe80::1%2": "has a zone (the part from %) that is no interface's name",
    "fe80::1%interface-eth0.7": "has a zone (the part from %) that is no interface's name",
    "fe80::1%": "is not an IP address",
    "2001:db8::1%eth0": "has a zone (the part from %)",
    "203.0.113.1/24": "has a prefix length",
    "2001:db8::1/64": "has a prefix length",
    "203.0.113.1:4789": "has a port or brackets",
    "[2001:db8::1]:4789": "has a port or brackets",
    "[2001:db8::1]": "has a port or brackets",
    "203.0.113.256": "is not an IP address",
    "203.0.113.01": "is not an IP address",
    "203.0.113": "is not an IP address",
    "2001:db8::1::": "is not an IP address",
    " 203.0.113.1": NEITHER,
    "-lxd1": NEITHER,
    "lxd1-.example.org": NEITHER,
    "lxd1..example.org": NEITHER,
    "lxd_1": NEITHER,
    "a/b": NEITHER,
    f"{'a' * 64}.example.org": NEITHER,
    "a." * 126 + "ab": NEITHER,
    "٣": NEITHER,
    "localhost": "is whatever machine reads it",
    "db.LocalHost.": "is whatever machine reads it",
}
NAMES = ("lxd1", "lxd1.example.org", "lxd1.example.org.", "1e100.net", "a" * 63, "a." * 125 + "abc")


@pytest.mark.parametrize("text", FINE)
def test_an_address_of_a_server(text: str) -> None:
    """It is looked up at once."""
    assert (None, ip_address(text)) == (peers.problem(text), peers.lookup(text))


@pytest.mark.parametrize(("text", "expected"), WRONG.items())
def test_no_address_of_a_server(text: str, expected: str) -> None:
    """The person is told why, and what to write; and there is no address."""
    problem = peers.problem(text)
    assert problem is not None
    message, cure = problem
    assert expected == message
    assert cure
    assert (peers.lookup(text), peers.key(text)) == (None, None)
    assert peers.families(text) == frozenset()


@pytest.mark.parametrize("text", NAMES)
def test_a_host_name(text: str) -> None:
    """What it stands for isn't known here; it may be of either family."""
    assert (peers.problem(text), peers.lookup(text)) == (None, None)
    assert peers.families(text) == {4, 6}
    assert peers.key(text) == peers.key(text.upper()) == text


def test_what_means_the_same_has_one_key() -> None:
    """However it is written."""
    assert peers.key("2001:DB8:0::1") == peers.key("2001:db8::1")
    assert peers.key("192.0.2.1") != peers.key("192.0.2.2")


def test_the_names_to_ask_for() -> None:
    """Each once, and nothing that is written out."""
    written = ["203.0.113.1", "b.example.org", "B.example.org", "a/b", "c"]
    listed = tuple(PeerSettings(str(n), text) for n, text in enumerate(written))
    assert peers.host_names(listed) == {"b.example.org", "c"}


def test_a_host_name_is_told_as_it_is_written() -> None:
    """Of peers that have one."""
    listed = (PeerSettings("a", "A.Example.net."), PeerSettings("b", "192.0.2.1"))
    assert peers.hosts(listed) == {"a": "A.Example.net."}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("203.0.113.1", True),
        ("203.0.113.999", True),
        ("1.2.3", True),
        ("203.0.113.1/24", True),
        ("fe80::1%eth0", True),
        ("[::1]:80", True),
        ("", True),
        ("lxd1", False),
        ("1e100.net", False),
        ("lxd1.example.org", False),
        ("a/b", False),
    ],
)
def test_what_is_written_like_an_address(text: str, *, expected: bool) -> None:
    """Right or wrong; what isn't is a host name, right or wrong."""
    assert expected == literal.accepts(text)
    assert (literal if expected else host_name) is peers.source_of(text)


def test_addresses_leaves_out_what_is_unknown() -> None:
    """By name, and the disabled are in it, too."""
    listed = (
        PeerSettings("a", "203.0.113.1"),
        PeerSettings("b", "b.example.org"),
        PeerSettings("c", "2001:db8::3", disabled=True),
    )
    expected = {"a": ip_address("203.0.113.1"), "c": ip_address("2001:db8::3")}
    assert expected == peers.addresses(listed)


@given(st.one_of(st.ip_addresses().map(str), st.from_regex(r"[a-z.-]+"), st.text(max_size=40)))
@examples(300)
def test_any_text_is_something_or_has_a_problem(text: str) -> None:
    """One of the two."""
    assert (peers.problem(text) is None) == (peers.key(text) is not None)
    assert (peers.problem(text) is None) == bool(peers.families(text))


@given(st.ip_addresses())
@examples(300)
def test_what_is_looked_up_is_what_was_written(address: object) -> None:
    """Where it is anything."""
    assert peers.lookup(str(address)) in {None, address}
