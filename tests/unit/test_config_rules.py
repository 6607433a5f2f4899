"""What must hold between the parts of the files: references, duplicates, merging, warnings."""

from pathlib import Path

import pytest

from tests.unit.written import (
    OVERLAY,
    PEERS,
    PLAIN,
    complaints,
    errors_in,
    overlay,
    peer,
    settings_of,
    warnings_of,
)


def test_a_port_is_not_one_overlays_alone_and_open_to_all(tmp_path: Path) -> None:
    """In whichever order; and beside "peers" it is for both of them alone."""
    alone, off = (overlay("lan", "vxbr0", f'ingress = "{value}"') for value in ("exclusive", "off"))
    dmz = overlay("dmz", "vxbr1", 'ingress = "off"')
    said = (
        '"off" lets anybody in on port 4789, and "exclusive" in overlay "lan" nobody but its peers'
    )
    assert complaints(tmp_path, alone + dmz + PEERS) == [f"overlay[1].ingress (dmz): {said}"]
    assert complaints(tmp_path, dmz + alone + PEERS) == [f"overlay[0].ingress (dmz): {said}"]
    for well in (
        alone + dmz.replace("[[overlay]]", "[[overlay]]\nport = 4790"),
        alone + overlay("dmz", "vxbr1"),
        off + overlay("dmz", "vxbr1"),
    ):
        assert complaints(tmp_path, well + PEERS) == []


@pytest.mark.parametrize(
    ("one", "other", "path"),
    [
        (overlay("lan", "vxbr0"), overlay("lan", "vxbr1"), "name (lan)"),
        (overlay("lan", "vxbr0"), overlay("dmz", "vxbr0"), "bridge (dmz)"),
        (overlay("vxbr1", "vxbr0"), '[[overlay]]\nbridge = "vxbr1"\n', "name (vxbr1)"),
        (
            overlay("lan", "vxbr0", 'addresses = ["10.1.1.1/24"]'),
            overlay("dmz", "vxbr1", 'addresses = ["10.1.1.1/16"]'),
            "addresses[0] (dmz)",
        ),
        (peer("a", "203.0.113.1"), peer("a", "203.0.113.2"), "name (a)"),
        (peer("a", "203.0.113.1"), peer("b", "203.0.113.1"), "address (b)"),
        (
            peer("a", "2001:db8::3"),
            peer("b", "2001:0DB8:0:0::3", "disabled = true"),
            "address (b)",
        ),
    ],
)
def test_the_same_twice_in_two_files(tmp_path: Path, one: str, other: str, path: str) -> None:
    """The error is at the second, and names the file and line of the first."""
    (error,) = errors_in(tmp_path, "", a=one, b=other)
    kind = "overlay" if "overlay" in one else "peer"
    assert (str(tmp_path / "vxland.toml.d" / "b.toml"), f"{kind}[0].{path}") == (
        error.file,
        error.path,
    )
    assert f" in {tmp_path / 'vxland.toml.d' / 'a.toml'}:" in error.message


def test_the_same_twice_in_one_file(tmp_path: Path) -> None:
    """Items count from 0, and every error has its line."""
    text = f"{PLAIN}\n" + peer("lxd2", "203.0.113.1")
    name, address = errors_in(tmp_path, text)
    file = str(tmp_path / "vxland.toml")
    assert (
        ("peer[3].name (lxd2)", f'"lxd2" is already peer[1].name (lxd2) in {file}:10', 18),
        ("peer[3].address (lxd2)", f'"203.0.113.1" is already peer[0].address (lxd1) in {file}:7'),
    ) == ((name.path, name.message, name.line), (address.path, address.message))


@pytest.mark.parametrize(
    ("vnis", "expected"),
    [
        ('"lxd1" = 5', 'overlay[0].vnis.lxd1 (lan): "lxd1" is not a pair of peers'),
        ('"" = 5', 'overlay[0].vnis."" (lan): "" is not a pair of peers'),
        (
            '"lxd1 lxd1" = 5',
            'overlay[0].vnis."lxd1 lxd1" (lan): "lxd1 lxd1" is not a pair of peers',
        ),
        (
            '"lxd1 lxd2 lxd3" = 5',
            'overlay[0].vnis."lxd1 lxd2 lxd3" (lan): "lxd1 lxd2 lxd3" is not a pair of peers',
        ),
        (
            '"lxd1 lxd9" = 5',
            'overlay[0].vnis."lxd1 lxd9" (lan): "lxd9" is not a peer of this overlay',
        ),
        ('"lxd1 lxd2" = 0', 'overlay[0].vnis."lxd1 lxd2" (lan): 0 is not a VNI'),
        ('"lxd1 lxd2" = -1', 'overlay[0].vnis."lxd1 lxd2" (lan): -1 is not a VNI'),
        (
            '"lxd1 lxd2" = 16777216',
            'overlay[0].vnis."lxd1 lxd2" (lan): 16777216 is not a VNI',
        ),
        (
            '"lxd1 lxd2" = 5\n"lxd2 lxd1" = 6',
            (
                'overlay[0].vnis."lxd2 lxd1" (lan): "lxd2 lxd1" is already'
                ' overlay[0].vnis."lxd1 lxd2" (lan) in {file}:5'
            ),
        ),
        (
            '"lxd1 lxd2" = 5\n"lxd3 lxd1" = 5',
            (
                'overlay[0].vnis."lxd3 lxd1" (lan): 5 is already'
                ' overlay[0].vnis."lxd1 lxd2" (lan) in {file}:5'
            ),
        ),
    ],
)
def test_an_explicit_vni_that_wont_do(tmp_path: Path, vnis: str, expected: str) -> None:
    """Keys are pairs of peers, and VNIs are theirs alone."""
    text = f"{OVERLAY}[overlay.vnis]\n{vnis}\n{PEERS}"
    assert [expected.format(file=tmp_path / "vxland.toml")] == complaints(tmp_path, text)


def test_an_explicit_vni_is_for_peers_of_the_overlay(tmp_path: Path) -> None:
    """A pair that has no tunnel there needs no VNI; somebody meant something else."""
    text = (
        overlay("lan", "vxbr0", '[overlay.vnis]\n"a b" = 5')
        + overlay("dmz", "vxbr1")
        + peer("a", "203.0.113.1")
        + peer("b", "203.0.113.2", 'overlays = ["dmz"]')
    )
    expected = ['overlay[0].vnis."a b" (lan): "b" is not a peer of this overlay']
    assert expected == complaints(tmp_path, text)


def test_pairs_may_be_written_in_either_order_and_with_any_space(tmp_path: Path) -> None:
    """This machine may be in one without being a peer; a disabled peer may stay there."""
    text = (
        '[node]\nname = "me"\naddress = "10.0.0.1"\n'
        f'{OVERLAY}[overlay.vnis]\n" lxd3   me" = 5\n"lxd2 lxd1" = 6\n'
        f"{PEERS}disabled = true\n"
    )
    assert (
        (frozenset({"me", "lxd3"}), 5),
        (frozenset({"lxd1", "lxd2"}), 6),
    ) == settings_of(tmp_path, text).overlays[0].vnis


def test_an_overlay_that_there_isnt(tmp_path: Path) -> None:
    """The nearest one is suggested."""
    text = OVERLAY + peer("a", "203.0.113.1", 'overlays = ["lan", "lam"]')
    (error,) = errors_in(tmp_path, text)
    expected = ("peer[0].overlays[1] (a)", '"lam" is not an overlay')
    assert expected == (error.path, error.message)
    assert error.cure.startswith('Did you mean "lan"?')


@pytest.mark.parametrize(
    ("node", "valid"),
    [
        ('name = "lxd1"', True),
        ('name = "lxd9"', False),
        ('name = "lxd9"\naddress = "10.0.0.1"', True),
        ('address = "10.0.0.1"', True),
    ],
)
def test_a_machine_that_is_no_peer_needs_an_address(
    tmp_path: Path, node: str, *, valid: bool
) -> None:
    """Otherwise its tunnels would have no local end."""
    expected = [] if valid else ['node.name: "lxd9" is not one of the peers']
    assert expected == complaints(tmp_path, f"[node]\n{node}\n{PLAIN}")


def test_a_name_alone_is_valid_while_there_is_nothing_to_do(tmp_path: Path) -> None:
    """A server may be named before there is a mesh."""
    expected = "lxd1"
    assert expected == settings_of(tmp_path, '[node]\nname = "lxd1"\n').node.name


@pytest.mark.parametrize(
    "node",
    ['[node]\nname = "lxd9"\naddress = "nonsense"\n', '[node]\nname = "lxd9"\naddress = 5\n'],
)
def test_an_address_that_is_wrong_isnt_missing_too(tmp_path: Path, node: str) -> None:
    """One mistake, one error."""
    expected = ["node.address"]
    assert expected == [error.path for error in errors_in(tmp_path, node + PLAIN)]


@pytest.mark.parametrize(
    "broken",
    [
        '[[overlay]]\nname = 5\nbridge = "b"',
        "overlay = 5",
        '[[overlays]]\nname = "dmz"',
        "[[overlay]]\nbridge = 5",
    ],
)
def test_what_is_illformed_isnt_missing_too(tmp_path: Path, broken: str) -> None:
    """An overlay that can't be read may be the one that a peer names."""
    text = f"{broken}\n{PEERS}" + 'overlays = ["dmz"]\n'
    assert [line for line in complaints(tmp_path, text) if line.startswith("peer")] == []


def test_illformed_items_are_known_by_name(tmp_path: Path) -> None:
    """What refers to them is right, whatever else is wrong with them."""
    text = (
        overlay("lan", "vxbr0", 'mtu = "x"')
        + f'[[overlay]]\nname = "dmz"\n[overlay.vnis]\n"lxd1 lxd9" = 5\n{PEERS}'
        + 'overlays = ["lan", "dmz"]\n[[peer]]\nname = "lxd9"\n'
    )
    expected = ["overlay[0].mtu (lan)", "overlay[1].bridge (dmz)", "peer[3].address (lxd9)"]
    assert expected == [error.path for error in errors_in(tmp_path, text)]


@pytest.mark.parametrize(
    ("others", "node", "expected"),
    [
        ("", "", ['is what overlay "lan" has too, and lxd1 takes part in both']),
        ('overlays = ["lan"]', "", []),
        (
            'overlays = ["lan"]',
            '[node]\nname = "me"\naddress = "10.0.0.1"\n',
            ['is what overlay "lan" has too, and me takes part in both'],
        ),
    ],
)
def test_one_overlay_a_machine_by_index(
    tmp_path: Path, others: str, node: str, expected: list[str]
) -> None:
    """Its devices' names are those of vxlansetup.sh, which has one overlay."""
    text = (
        node
        + overlay("lan", "vxbr0", 'vni = "index"')
        + overlay("dmz", "vxbr1", 'vni = "index"\nport = 4790')
        + peer("lxd1", "203.0.113.1", others)
        + peer("lxd2", "203.0.113.2", 'overlays = ["dmz"]')
    )
    assert [f'overlay[1].vni (dmz): "index" {message}' for message in expected] == complaints(
        tmp_path, text
    )
    text = text.replace('"index"\n', '["pair", "index"]\n', 1)
    assert [f'overlay[1].vni (dmz): "index" {message}' for message in expected] == complaints(
        tmp_path, text
    )


def test_a_bridge_takes_1023_ports(tmp_path: Path) -> None:
    """More peers than that can't be in a mesh."""
    peers = "".join(peer(f"p{n}", f"10.0.{n >> 8}.{n & 255}") for n in range(1025))
    (error,) = errors_in(tmp_path, overlay("lan", "vxbr0") + peers)
    expected = ("overlay[0] (lan)", True)
    assert expected == (error.path, error.message.startswith("has 1024 tunnels"))
    peers = "".join(peer(f"p{n}", f"10.0.{n >> 8}.{n & 255}") for n in range(513))
    both = overlay("lan", "vxbr0", 'vni = ["index", "pair"]')
    (error,) = errors_in(tmp_path, both + peers)
    assert error.message.startswith("has 1024 tunnels")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("tls_cert tls_key", []),
        ("tls_cert tls_key tls_client_ca", []),
        ("tls_cert", ['http.tls_cert: "/a" has no private key with it']),
        ("tls_key", ['http.tls_key: "/a" has no certificate with it']),
        (
            "tls_client_ca",
            ['http.tls_client_ca: "/a" asks for certificates of clients without TLS'],
        ),
        ("tls_cert tls_client_ca", ['http.tls_cert: "/a" has no private key with it']),
    ],
)
def test_a_certificate_and_its_key_come_together(
    tmp_path: Path, keys: str, expected: list[str]
) -> None:
    """And clients are asked for theirs only over TLS."""
    lines = "".join(f'{key} = "/a"\n' for key in keys.split())
    assert expected == complaints(tmp_path, f"[http]\n{lines}\n{PLAIN}")


def test_a_key_may_be_in_another_file_than_its_certificate(tmp_path: Path) -> None:
    """As all keys of a table."""
    text = f'[http]\ntls_cert = "/a"\n{PLAIN}'
    assert errors_in(tmp_path, text, a='[http]\ntls_key = "/b"\n') == ()


def test_a_certificate_is_not_missed_where_its_key_is_ill_formed(tmp_path: Path) -> None:
    """One mistake, one error."""
    text = f'[http]\ntls_cert = "/a"\ntls_key = 5\n{PLAIN}'
    assert complaints(tmp_path, text) == ["http.tls_key: 5 is not a string"]


ANYBODY = "read the mesh's addresses and traffic"
TLS = 'tls_cert = "/a"\ntls_key = "/b"\n'


@pytest.mark.parametrize(
    ("http", "expected"),
    [
        ('listen = "127.8.0.1:1"', []),
        ('listen = "[::1]:1"', []),
        ('listen = "localhost:1"', []),
        ('listen = ""', []),
        (f'listen = "0.0.0.0:1"\n{TLS}tls_client_ca = "/c"', []),
        ('listen = "0.0.0.0:1"', [f"lets anybody on the way, in clear, {ANYBODY}"]),
        (f'listen = "[::]:1"\n{TLS}', [f"lets anybody who reaches that port {ANYBODY}"]),
    ],
)
def test_listening_to_everybody_is_warned_of(
    tmp_path: Path, http: str, expected: list[str]
) -> None:
    """Unless they need a certificate."""
    told = [
        warning.split(" ", 2)[2] for warning in warnings_of(tmp_path, f"[http]\n{http}\n{PLAIN}")
    ]
    assert expected == told


def test_drop_ins_override_tables_key_by_key(tmp_path: Path) -> None:
    """The later file wins, and other keys stay."""
    actual = settings_of(
        tmp_path,
        f'[node]\nname = "lxd1"\ninterface = "eth0"\n[http]\nlisten = ""\n{PLAIN}',
        a='[node]\nname = "lxd2"\n',
        b='[node]\nname = "lxd3"\n[reconcile]\ninterval = "1m"\n',
    )
    expected = ("lxd3", "eth0", None, 60.0)
    assert expected == (
        actual.node.name,
        actual.node.interface,
        actual.http.listen,
        actual.interval,
    )


def test_an_error_in_a_table_names_the_file_that_it_comes_from(tmp_path: Path) -> None:
    """The last one that set the key."""
    (error,) = errors_in(
        tmp_path, f'[node]\nname = "lxd1"\n{PLAIN}', a='[node]\nname = "lxd9"\n', b="[node]\n"
    )
    assert (str(tmp_path / "vxland.toml.d" / "a.toml"), "node.name", 2) == (
        error.file,
        error.path,
        error.line,
    )


def test_drop_ins_append_to_lists(tmp_path: Path) -> None:
    """In the order of reading."""
    actual = settings_of(
        tmp_path,
        OVERLAY + peer("z", "203.0.113.9"),
        b=overlay("dmz", "vxbr1") + peer("a", "203.0.113.1"),
        c=peer("b", "203.0.113.2"),
    )
    expected = (["lan", "dmz"], ["z", "a", "b"])
    assert expected == (
        [item.name for item in actual.overlays],
        [item.name for item in actual.peers],
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PLAIN, []),
        ("", [": has no [[overlay]], so there is nothing to do"]),
        (OVERLAY, ["overlay[0] (lan): has fewer than two peers, so it gets no tunnels"]),
        (
            f'{OVERLAY}vni = "index"\nlearning = false\n{PEERS}',
            [
                (
                    'overlay[0].learning (lan): false with vni = "index" sends frames to the wrong'
                    " server where two number differently"
                )
            ],
        ),
        (
            f'{OVERLAY}addresses = ["198.51.100.1/24"]\n{PEERS}',
            [
                (
                    'peer[1].address (lxd2): "198.51.100.2" is in the network 198.51.100.0/24 of'
                    ' overlay "lan" itself, so the tunnels would lead through themselves'
                )
            ],
        ),
        (
            PLAIN + peer("lxd4", "2001:db8::4") + peer("lxd5", "lxd5.example.org"),
            [
                (
                    'peer[3].address (lxd4): "2001:db8::4" is IPv6 and that of "lxd1" IPv4, so'
                    ' there is no tunnel between the two in overlay "lan"'
                )
            ],
        ),
        (PLAIN + peer("lxd4", "2001:db8::4", "disabled = true"), []),
    ],
)
def test_warnings(tmp_path: Path, text: str, expected: list[str]) -> None:
    """What is valid, and yet unlikely to be meant."""
    assert expected == warnings_of(tmp_path, text)
