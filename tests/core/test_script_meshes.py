"""Scripts of several servers become one configuration, or it is said why they can't."""

import tomllib
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.profiles import examples
from tests.scripts.vxlansetup import script, variables
from vxland.script.faults import NotImportable
from vxland.script.mesh import Mesh, mesh
from vxland.script.order import agreeing, common
from vxland.script.setup import Setup, setup
from vxland.script.writing import peer_name, toml

A, B, C, D = "203.0.113.1", "203.0.113.2", "198.51.100.3", "198.51.100.4"
Lists = Mapping[str, Sequence[str]]


def server(file: str, local: str, remotes: Sequence[str], **other: str) -> Setup:
    """One server's script."""
    text = variables(local, remotes)
    for name, value in other.items():
        text += f"{name}={value}\n"
    return setup(file, script(text).encode())


def servers(lists: Lists) -> list[Setup]:
    """One for each list, called a.sh and so on."""
    names = (f"{letter}.sh" for letter in "abcdefghijklmnopqrstuvwxyz")
    return [server(file, *one) for file, one in zip(names, lists.items(), strict=False)]


def together(lists: Lists) -> Mesh:
    """The mesh that they are."""
    return mesh(servers(lists))


def told(setups: Sequence[Setup]) -> list[str]:
    """What is said to them."""
    with pytest.raises(NotImportable) as error:
        mesh(setups)
    return [str(fault) for fault in error.value.faults]


def test_one_script_is_enough() -> None:
    """This server comes first, the others as they are listed."""
    assert together({A: (C, B)}).addresses == (A, C, B)


@pytest.mark.parametrize(
    ("lists", "order"),
    [
        ({A: (B, C), B: (A, C), C: (A, B)}, (A, B, C)),
        ({C: (A, B), A: (B, C), B: (A, C)}, (A, B, C)),
        ({A: (C, B), B: (C, A), C: (A, B)}, (C, A, B)),
        ({A: (B,), B: (A,)}, (A, B)),
        ({A: (B, C), B: (A, C)}, (A, B, C)),
    ],
)
def test_one_order_gives_every_list(lists: Lists, order: tuple[str, ...]) -> None:
    assert together(lists).addresses == order


@given(st.permutations((A, B, C, D)), st.permutations(range(4)), st.integers(1, 4))
@examples(60)
def test_each_list_is_the_order_without_its_server(
    order: Sequence[str], given_: Sequence[int], count: int
) -> None:
    """Whichever scripts are given, and in whichever order."""
    lists = {order[number]: [one for one in order if one != order[number]] for number in given_}
    some = dict(list(lists.items())[:count])
    found = together(some).addresses
    for local, remotes in some.items():
        assert [one for one in found if one != local] == remotes


@given(st.lists(st.permutations("abcd").map(lambda all_: all_[:3]), min_size=1, max_size=5))
@examples(200)
def test_a_common_order_has_every_list(lists: list[list[str]]) -> None:
    """Or there is none; those that agree have one."""
    order = common(lists)
    chosen = agreeing(lists)
    assert (order is not None) == (len(chosen) == len(lists))
    agreed = [lists[number] for number in chosen]
    found = common(agreed)
    assert found is not None
    for one in agreed:
        assert [name for name in found if name in one] == one


def test_another_order_is_told_position_by_position() -> None:
    """The odd one is named, not those that agree."""
    (said,) = told(servers({A: (D, B, C), B: (A, C, D), C: (A, B, D), D: (A, B, C)}))
    what, cure = said.split(". One file ")
    assert what == (
        f"a.sh:3: REMOTEIPS has another order than b.sh, c.sh, d.sh: 0 is {D}, there {B};"
        f" 1 is {B}, there {C}; 2 is {C}, there {D}"
    )
    assert cure == (
        "has one order, in which each server leaves out itself: put them in the same, or import"
        " each server's script by itself, for a file of its own"
    )


def test_only_some_differences_are_shown() -> None:
    many = [f"10.0.0.{number}" for number in range(10)]
    (said,) = told(servers({A: (*many, B), B: (*many[::-1], A)}))
    assert "; 0 is" not in said
    assert said.partition(". One file")[0].endswith("; and 5 more")


def test_three_lists_may_disagree_where_no_two_do() -> None:
    lists = {A: (B, C, D), B: (C, D, A), C: (D, A, B), D: (C, A, B)}
    assert any("has another order than" in said for said in told(servers(lists)))


def test_a_server_that_another_does_not_know_is_told() -> None:
    """Also one of which there is no script."""
    said = told(servers({A: (B, C, D), B: (A, D), C: (A, B, D)}))
    (one,) = said
    assert one == (
        f"b.sh:3: REMOTEIPS lacks {C}, c.sh's server. Add it where the other lists have it, or"
        " import each server's script by itself, for a file of its own"
    )
    (one,) = told(servers({A: (B, C), B: (A,)}))
    assert one.startswith(f"b.sh:3: REMOTEIPS lacks {C}, which a.sh:3 has. Add it")


def test_a_server_that_nobody_knows_is_told_once() -> None:
    """As one behind NAT is, which the others know by another address."""
    said = told(servers({"10.0.0.1": (B, C), B: (A, C), C: (A, B)}))
    assert [one.partition(". ")[0] for one in said] == [
        "a.sh:2: LOCALIP 10.0.0.1 is in no other server's REMOTEIPS",
        f"a.sh:3: REMOTEIPS lacks {A}, which b.sh:3 has",
    ]


def test_the_same_server_twice_is_told() -> None:
    (said,) = told([server("a.sh", A, (B,)), server("b.sh", A, (C,))])
    assert said == (f"b.sh:2: LOCALIP is {A}, as in a.sh:2. Give one script for each server")


def test_what_one_file_cannot_have_twice_is_told() -> None:
    said = told([server("a.sh", A, (B,)), server("b.sh", B, (A,), PORT="8472", BRIDGE_DEV="br0")])
    assert [one.partition(". ")[0] for one in said] == [
        "b.sh:10: BRIDGE_DEV is br0, and vxbr0 in a.sh:5",
        "b.sh:9: PORT is 8472, and 4789 in a.sh:7",
    ]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (A, A),
        ("2001:db8::1", "2001-db8--1"),
        ("lxd1.example.com", "lxd1.example.com"),
        ("fe80::1%eth0", "fe80--1-eth0"),
        ("::5", "0-5"),
        (f"{'a' * 60}.example", "a" * 50),
    ],
)
def test_names_are_made_of_addresses(address: str, name: str) -> None:
    """By themselves, so that each server's file has the same."""
    assert peer_name(address) == name


def comments(text: str) -> str:
    """All that is told, on one line."""
    lines = (line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
    return " ".join(" ".join(lines).split())


def test_the_file_says_the_same() -> None:
    """One server's."""
    text = toml(together({A: (C, B)}))
    assert tomllib.loads(text) == {
        "overlay": [{"name": "lan", "bridge": "vxbr0", "port": 4789, "vni": "index"}],
        "peer": [{"name": one, "address": one} for one in (A, C, B)],
        "node": {"interface": "eth0"},
    }
    assert f"This file is for {A} alone" in comments(text)
    assert max(map(len, text.splitlines())) <= 100


def test_the_file_tells_whose_scripts_it_is_made_of() -> None:
    """And of whom there was none."""
    text = toml(together({A: (B, C), B: (A, C)}))
    assert f"from: a.sh ({A}) b.sh ({B})" in comments(text)
    assert f"Not for these, whose scripts weren't read: {C}" in comments(text)
    everybody = comments(toml(together({A: (B,), B: (A,)})))
    assert "alone" not in everybody
    assert "weren't read" not in everybody


def test_what_differs_is_told() -> None:
    """Names of devices, and a device that isn't the same everywhere."""
    text = toml(
        mesh(
            [
                server("a.sh", "10.0.0.1", (B, "lxd3"), VXLAN_DEV="tun", LOCAL_DEV="ens3"),
                server("b.sh", B, ("10.0.0.1", "lxd3"), VXLAN_DEV="$(x)", LOCAL_DEV="$(y)"),
            ]
        )
    )
    said = comments(text)
    assert 'VXLAN_DEV is "tun" in a.sh: vxland\'s devices are vxlan0, vxlan1' in said
    assert "VXLAN_DEV isn't known in b.sh" in said
    assert "LOCAL_DEV (ens3 in a.sh, unknown in b.sh) isn't taken over" in said
    assert "b.sh:9 VXLAN_DEV isn't known: this is the output of a command" in said
    assert "node" not in tomllib.loads(text)


def test_a_private_address_among_public_ones_is_told_of() -> None:
    """It is probably behind NAT."""
    assert "10.0.0.1 (a.sh) is a private address" in comments(
        toml(together({"10.0.0.1": ("lxd2", "9.9.9.9")}))
    )
    assert "private" not in comments(toml(together({"10.0.0.1": ("lxd2", "10.0.0.2")})))


def test_a_device_that_nobody_names_is_told_of() -> None:
    text = toml(mesh([server("a.sh", A, (B,), LOCAL_DEV="$(x)")]))
    assert "LOCAL_DEV (unknown in a.sh)" in comments(text)
    assert "node" not in tomllib.loads(text)
