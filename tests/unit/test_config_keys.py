"""One key at a time: what it takes, what it becomes, and what is said where it won't do."""

from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.unit.written import OVERLAY, PEERS, PLAIN, complaints, errors_in, settings_of, write
from vxland.config import values
from vxland.config.errors import InvalidConfig
from vxland.config.load import check
from vxland.config.schema import KEYS
from vxland.settings import (
    Df,
    HttpSettings,
    NodeSettings,
    OverlaySettings,
    PeerSettings,
    Settings,
    VniScheme,
    VxlanOptions,
)

LAN = OverlaySettings("lan", "vxbr0")
VNI = '"pair", "index", a list of both or a number from 1 to 16777215'


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    """The defaults of the file are those of the settings."""
    actual = settings_of(tmp_path, "")
    assert Settings() == replace(actual, digest="")


def test_an_overlay_by_its_bridge_means_the_defaults(tmp_path: Path) -> None:
    """Its name is the bridge's, and everything else is as the settings have it."""
    actual = settings_of(tmp_path, '[[overlay]]\nbridge = "vxbr0"\n' + PEERS)
    assert (OverlaySettings("vxbr0", "vxbr0"),) == actual.overlays


def test_a_peer_means_the_defaults(tmp_path: Path) -> None:
    """It is in all overlays, and not disabled; its address stays as written."""
    actual = settings_of(tmp_path, PEERS)
    assert (
        PeerSettings("lxd1", "203.0.113.1"),
        PeerSettings("lxd2", "198.51.100.2"),
        PeerSettings("lxd3", "192.0.2.3"),
    ) == actual.peers


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('mode = "mesh"', LAN),
        ('vni = "pair"', LAN),
        ("port = 1", replace(LAN, port=1)),
        ("port = 65535", replace(LAN, port=65535)),
        ('guard = ["isolated"]', replace(LAN, guards=("isolated",))),
        ('guard = ["ebtables", "isolated"]', replace(LAN, guards=("ebtables", "isolated"))),
        ('guard = ["nftables"]', replace(LAN, guards=("nftables",))),
        ('mtu = "auto"', LAN),
        ("mtu = 576", replace(LAN, mtu=576)),
        ("mtu = 65485", replace(LAN, mtu=65485)),
        (
            'addresses = ["10.10.10.1/24", "fd00::1/64", "10.9.0.0/31", "10.8.0.1/32"]',
            replace(
                LAN,
                addresses=tuple(
                    map(ip_interface, ("10.10.10.1/24", "fd00::1/64", "10.9.0.0/31", "10.8.0.1/32"))
                ),
            ),
        ),
        (
            'allow_tunnel_ports = ["gre1", "vxlan9"]',
            replace(LAN, allow_tunnel_ports=frozenset({"gre1", "vxlan9"})),
        ),
        ('ingress = "peers"', LAN),
        ('ingress = "exclusive"', replace(LAN, exclusive=True)),
        ('ingress = "off"', replace(LAN, ingress=False)),
        ("reattach = true", replace(LAN, reattach=True)),
        ("adopt = true", replace(LAN, adopt=True)),
        ('ttl = "auto"', LAN),
        ("ttl = 1", replace(LAN, options=VxlanOptions(ttl=1))),
        ("ttl = 255", replace(LAN, options=VxlanOptions(ttl=255))),
        ('ttl = "inherit"', replace(LAN, options=VxlanOptions(ttl_inherit=True))),
        ("tos = 255", replace(LAN, options=VxlanOptions(tos=255))),
        ('tos = "inherit"', replace(LAN, options=VxlanOptions(tos=1))),
        ('df = "unset"', LAN),
        ('df = "set"', replace(LAN, options=VxlanOptions(df=Df.SET))),
        ('df = "inherit"', replace(LAN, options=VxlanOptions(df=Df.INHERIT))),
        ("ageing = 0", replace(LAN, options=VxlanOptions(ageing=0))),
        ("ageing = 4294967295", replace(LAN, options=VxlanOptions(ageing=4294967295))),
        ("udp_csum = false", replace(LAN, options=VxlanOptions(udp_csum=False))),
        ("learning = true", replace(LAN, options=VxlanOptions(learning=True))),
        (
            'vni = "index"',
            replace(LAN, vni=VniScheme.INDEX, options=VxlanOptions(learning=True)),
        ),
        (
            'vni = "index"\nlearning = false',
            replace(LAN, vni=VniScheme.INDEX, options=VxlanOptions(learning=False)),
        ),
        ('vni = ["pair", "index"]', replace(LAN, heard=VniScheme.INDEX)),
        (
            'vni = ["index", "pair"]',
            replace(
                LAN,
                vni=VniScheme.INDEX,
                heard=VniScheme.PAIR,
                options=VxlanOptions(learning=True),
            ),
        ),
        (
            '[overlay.vnis]\n"lxd3 lxd1" = 16777215\n"lxd1 lxd2" = 1',
            replace(
                LAN,
                vnis=(
                    (frozenset({"lxd1", "lxd3"}), 16777215),
                    (frozenset({"lxd1", "lxd2"}), 1),
                ),
            ),
        ),
    ],
)
def test_what_a_key_of_an_overlay_becomes(
    tmp_path: Path, line: str, expected: OverlaySettings
) -> None:
    """In the settings, and nothing else changes."""
    assert (expected,) == settings_of(tmp_path, f"{OVERLAY}{line}\n{PEERS}").overlays


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("[node]", Settings()),
        ('[node]\nname = "lxd2"', Settings(NodeSettings(name="lxd2"))),
        (
            '[node]\nname = "elsewhere"\naddress = "10.0.0.1"',
            Settings(NodeSettings(name="elsewhere", address=ip_address("10.0.0.1"))),
        ),
        (
            '[node]\naddress = "2001:db8::3"',
            Settings(NodeSettings(address=ip_address("2001:db8::3"))),
        ),
        ('[node]\ninterface = "eth0.100"', Settings(NodeSettings(interface="eth0.100"))),
        ('[http]\nlisten = ""', Settings(http=HttpSettings(None))),
        ('[http]\nlisten = "0.0.0.0:1"', Settings(http=HttpSettings(("0.0.0.0", 1)))),
        ('[http]\nlisten = "[::1]:65535"', Settings(http=HttpSettings(("::1", 65535)))),
        ('[http]\nlisten = "localhost:9788"', Settings(http=HttpSettings(("127.0.0.1", 9788)))),
        (
            '[http]\ntls_cert = "/a/b.pem"\ntls_key = "/c"',
            Settings(http=HttpSettings(tls_cert="/a/b.pem", tls_key="/c")),
        ),
        (
            '[http]\ntls_cert = "/a"\ntls_key = "/b"\ntls_client_ca = "/c"',
            Settings(http=HttpSettings(tls_cert="/a", tls_key="/b", tls_client_ca="/c")),
        ),
        ('[reconcile]\ninterval = "100ms"', Settings(interval=0.1)),
        ('[reconcile]\ninterval = "1m30s"', Settings(interval=90)),
        ('[reconcile]\ninterval = "1h1m1s1ms"', Settings(interval=3661.001)),
        ('[reconcile]\ninterval = "24h"', Settings(interval=86400)),
    ],
)
def test_what_a_key_of_a_table_becomes(tmp_path: Path, lines: str, expected: Settings) -> None:
    """In the settings, and nothing else changes."""
    actual = settings_of(tmp_path, f"{lines}\n{PEERS}")
    assert expected == replace(actual, digest="", peers=())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('overlays = ["lan"]', frozenset({"lan"})),
        ("overlays = []", frozenset[str]()),
    ],
)
def test_a_peer_takes_part_in_the_overlays_it_names(
    tmp_path: Path, line: str, expected: frozenset[str]
) -> None:
    """An empty list is none, and not all."""
    text = f"{PLAIN}{line}\ndisabled = true\n"
    last = settings_of(tmp_path, text).peers[-1]
    assert (expected, True) == (last.overlays, last.disabled)


FILE = "is not the whole path of a file"
LISTEN = "is not an address to listen on"


@pytest.mark.parametrize(
    ("line", "path", "message"),
    [
        ("mode = 5", "mode", "5 is not a string"),
        ('mode = "meshed"', "mode", '"meshed" is not known'),
        ('vni = "pairs"', "vni", f'"pairs" is not {VNI}'),
        ("vni = true", "vni", f"true is not {VNI}"),
        ("vni = []", "vni", f"[] is not {VNI}"),
        ('vni = ["pair"]', "vni", f'["pair"] is not {VNI}'),
        ('vni = ["pair", "pair"]', "vni", f'["pair", "pair"] is not {VNI}'),
        ('vni = ["pair", "index", "pair"]', "vni", f'["pair", "index", "pair"] is not {VNI}'),
        ('vni = ["pairs", "index"]', "vni", f'["pairs", "index"] is not {VNI}'),
        ("vni = 0", "vni", f"0 is not {VNI}"),
        ("vni = 16777216", "vni", f"16777216 is not {VNI}"),
        ("vni = 7.0", "vni", f"7.0 is not {VNI}"),
        ('port = "4789"', "port", '"4789" is not a number from 1 to 65535'),
        ("port = 0", "port", "0 is not a number from 1 to 65535"),
        ("port = 65536", "port", "65536 is not a number from 1 to 65535"),
        ("port = true", "port", "true is not a number from 1 to 65535"),
        ("port = 4789.0", "port", "4789.0 is not a number from 1 to 65535"),
        (
            "guard = []",
            "guard",
            "[] is empty, and a mesh without a guard loops frames",
        ),
        (
            'guard = ["isolated", "isolated"]',
            "guard",
            '["isolated", "isolated"] names the same guard twice',
        ),
        ('guard = "isolated"', "guard", '"isolated" is not a list of strings'),
        ('guard = ["isolate"]', "guard[0]", '"isolate" is not known'),
        ('guard = ["isolated", 5]', "guard[1]", "5 is not a string"),
        ("mtu = 575", "mtu", '575 is not "auto" or a number from 576 to 65485'),
        ("mtu = 65486", "mtu", '65486 is not "auto" or a number from 576 to 65485'),
        ('mtu = "1500"', "mtu", '"1500" is not "auto" or a number from 576 to 65485'),
        ("mtu = 1e3", "mtu", '1000.0 is not "auto" or a number from 576 to 65485'),
        ('addresses = "10.0.0.1/8"', "addresses", '"10.0.0.1/8" is not a list of strings'),
        ("addresses = [5]", "addresses[0]", "5 is not a string"),
        ("allow_tunnel_ports = {}", "allow_tunnel_ports", "a table is not a list of strings"),
        ("adopt = 1", "adopt", "1 is not true or false"),
        ('reattach = "yes"', "reattach", '"yes" is not true or false'),
        ("reattach = 1", "reattach", "1 is not true or false"),
        ("ttl = 0", "ttl", '0 is not "auto", "inherit" or a number from 1 to 255'),
        ('ttl = "64"', "ttl", '"64" is not "auto", "inherit" or a number from 1 to 255'),
        ("tos = 256", "tos", '256 is not "inherit" or a number from 0 to 255'),
        ('tos = "auto"', "tos", '"auto" is not "inherit" or a number from 0 to 255'),
        ('df = "sett"', "df", '"sett" is not known'),
        ('ageing = "300s"', "ageing", '"300s" is not a number of seconds from 0 to 4294967295'),
        ("ageing = -1", "ageing", "-1 is not a number of seconds from 0 to 4294967295"),
        ("udp_csum = 0", "udp_csum", "0 is not true or false"),
        ("learning = 1979-05-27", "learning", "1979-05-27 is not true or false"),
        ("vnis = 5", "vnis", "5 is not a table of numbers"),
        ('vnis = { "lxd1 lxd2" = "5" }', 'vnis."lxd1 lxd2"', '"5" is not a number'),
        ("name = 5", "name", "5 is not a string"),
    ],
)
def test_a_wrong_value_in_an_overlay(tmp_path: Path, line: str, path: str, message: str) -> None:
    """One error, which shows the value and says what the key takes."""
    text = f'[[overlay]]\nbridge = "vxbr0"\n{line}\n{PEERS}'
    label = "" if path == "name" else " (vxbr0)"
    assert [f"overlay[0].{path}{label}: {message}"] == complaints(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[node]\nname = 1", "node.name: 1 is not a string"),
        ("[node]\naddress = []", "node.address: [] is not a string"),
        ("[http]\nlisten = 9788", "http.listen: 9788 is not a string"),
        ('[http]\nlisten = "9788"', f'http.listen: "9788" {LISTEN}'),
        ('[http]\nlisten = ":9788"', f'http.listen: ":9788" {LISTEN}'),
        ('[http]\nlisten = "::1:9788"', f'http.listen: "::1:9788" {LISTEN}'),
        ('[http]\nlisten = "[::g]:9788"', f'http.listen: "[::g]:9788" {LISTEN}'),
        ('[http]\nlisten = "127.0.0.1:0"', f'http.listen: "127.0.0.1:0" {LISTEN}'),
        ('[http]\nlisten = "127.0.0.1:65536"', f'http.listen: "127.0.0.1:65536" {LISTEN}'),
        ('[http]\nlisten = "127.0.0.256:80"', f'http.listen: "127.0.0.256:80" {LISTEN}'),
        ('[http]\nlisten = "a b:80"', f'http.listen: "a b:80" {LISTEN}'),
        ('[http]\ntls_cert = "a"\ntls_key = "/b"', f'http.tls_cert: "a" {FILE}'),
        ('[http]\ntls_cert = "/a"\ntls_key = "/b/"', f'http.tls_key: "/b/" {FILE}'),
        ('[http]\ntls_cert = "/a"\ntls_key = ""', f'http.tls_key: "" {FILE}'),
        (
            '[http]\ntls_cert = "/a"\ntls_key = "/b"\ntls_client_ca = "/"',
            f'http.tls_client_ca: "/" {FILE}',
        ),
        ("[reconcile]\ninterval = 30", "reconcile.interval: 30 is not a string with a unit"),
        ('[reconcile]\ninterval = "30"', 'reconcile.interval: "30" is not a duration'),
        ('[reconcile]\ninterval = ""', 'reconcile.interval: "" is not a duration'),
        ('[reconcile]\ninterval = "-1s"', 'reconcile.interval: "-1s" is not a duration'),
        ('[reconcile]\ninterval = "1s1m"', 'reconcile.interval: "1s1m" is not a duration'),
        ('[reconcile]\ninterval = "1.5s"', 'reconcile.interval: "1.5s" is not a duration'),
        ('[reconcile]\ninterval = "0s"', 'reconcile.interval: "0s" is out of bounds'),
        ('[reconcile]\ninterval = "99ms"', 'reconcile.interval: "99ms" is out of bounds'),
        ('[reconcile]\ninterval = "24h1ms"', 'reconcile.interval: "24h1ms" is out of bounds'),
        ("node = 5", "node: 5 is not a table"),
        ('[[node]]\nname = "a"', "node: a list is not a table"),
        ('[overlay]\nbridge = "a"', "overlay: a table is not a list of tables"),
        ("peer = [1]", "peer[0]: 1 is not a table"),
        ("[[overlay]]", "overlay[0].bridge: is missing"),
        ('[[peer]]\nname = "a"', "peer[0].address (a): is missing"),
        ('[[peer]]\naddress = "203.0.113.1"', "peer[0].name: is missing"),
        (
            '[[peer]]\nname = "a"\naddress = "203.0.113.1"\noverlays = "lan"',
            'peer[0].overlays (a): "lan" is not a list of strings',
        ),
        (
            '[[peer]]\nname = "a"\naddress = "203.0.113.1"\noverlays = ["lan", 1]',
            "peer[0].overlays[1] (a): 1 is not a string",
        ),
        (
            '[[peer]]\nname = "a"\naddress = "203.0.113.1"\noverlays = { none = 1 }',
            "peer[0].overlays (a): a table is not a list of strings",
        ),
    ],
)
def test_a_wrong_value_elsewhere(tmp_path: Path, text: str, expected: str) -> None:
    """One error, which shows the value and says what the key takes."""
    assert expected in complaints(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "path", "cure"),
    [
        ("[nod]", "nod", 'Did you mean "node"?'),
        ("[[peers]]", "peers", 'Did you mean "peer"?'),
        ("[[overlays]]", "overlays", 'Did you mean "overlay"? overlays belongs in [[peer]]'),
        ('bridge = "a"', "bridge", "bridge belongs in [[overlay]]"),
        ("x = 1", "x", "Known are node, http, reconcile, overlay and peer"),
        ("[node]\nadress = 1", "node.adress", 'Did you mean "address"?'),
        ("[node]\nmtu = 1", "node.mtu", "mtu belongs in [[overlay]]"),
        ('[node]\n"a b" = 1', 'node."a b"', "Known are name, address and interface"),
        ("[http]\nlisen = 1", "http.lisen", 'Did you mean "listen"?'),
        ("[reconcile]\nintervall = 1", "reconcile.intervall", 'Did you mean "interval"?'),
        (f"{OVERLAY}guards = []", "overlay[0].guards (lan)", 'Did you mean "guard"?'),
        (f"{OVERLAY}[overlay.vni_s]", "overlay[0].vni_s (lan)", 'Did you mean "vnis"?'),
        (f"{PEERS}adress = 1", "peer[2].adress (lxd3)", 'Did you mean "address"?'),
        (
            f"{OVERLAY}[overlay.vnis]\nmtu = 1450",
            "overlay[0].vnis.mtu (lan)",
            "mtu is a key of [[overlay]]: write it above [overlay.vnis]",
        ),
        (
            f'{OVERLAY}[overlay.vnis]\nmtu = "auto"',
            "overlay[0].vnis.mtu (lan)",
            "mtu is a key of [[overlay]]: write it above [overlay.vnis]",
        ),
    ],
)
def test_an_unknown_key(tmp_path: Path, text: str, path: str, cure: str) -> None:
    """The error names what was probably meant, or where the key belongs."""
    assert [(path, cure)] == [(error.path, error.cure) for error in errors_in(tmp_path, text)]


def test_a_long_unknown_key(tmp_path: Path) -> None:
    """It is cut, and resembles nothing."""
    (error,) = errors_in(tmp_path, f"[node]\n{'name' * 50} = 1\n")
    expected = ("Known are name, address and interface", True)
    assert expected == (error.cure, len(error.path) < 80)


def test_all_errors_together_are_a_line_each(tmp_path: Path) -> None:
    """As a person sees them, and as a program does."""
    path = write(tmp_path, '[node]\nnam = "x"\n[http]\nlisten = 1\n')
    with pytest.raises(InvalidConfig) as caught:
        check(path)
    assert (
        f'{path}:2: node.nam: is not a known key. Did you mean "name"?\n'
        f"{path}:4: http.listen: 1 is not a string."
        ' Write it like this: listen = "127.0.0.1:9788"'
    ) == str(caught.value)
    expected = {
        "file": str(path),
        "path": "http.listen",
        "message": "1 is not a string",
        "cure": 'Write it like this: listen = "127.0.0.1:9788"',
        "value": "1",
        "line": 4,
        "column": None,
    }
    assert expected == caught.value.errors[1].as_json()


def test_every_key_is_found_by_its_header() -> None:
    """As a message names the place where a key belongs."""
    assert {"[node]", "[http]", "[reconcile]", "[[overlay]]", "[[peer]]"} == set(KEYS)


def test_the_rest_of_a_table_with_an_error_is_checked_too(tmp_path: Path) -> None:
    """Everything is told at once: what has the wrong type, and what has a wrong value."""
    text = (
        '[node]\nname = "lxd9"\ninterface = 5\n'
        '[[overlay]]\nbridge = "a/b"\nmtu = "big"\n'
        '[[peer]]\nname = "lxd1"\naddress = "127.0.0.1"\ndisabled = "no"\n'
    )
    expected = [
        'node.name: "lxd9" is not one of the peers',
        "node.interface: 5 is not a string",
        'overlay[0].bridge ("a/b"): "a/b" can\'t be a device\'s name',
        'overlay[0].mtu ("a/b"): "big" is not "auto" or a number from 576 to 65485',
        'peer[0].address (lxd1): "127.0.0.1" is a loopback address',
        'peer[0].disabled (lxd1): "no" is not true or false',
    ]
    assert expected == complaints(tmp_path, text)


@pytest.mark.parametrize("text", ["1h", "2m", "3s", "4ms", "1h4ms", "999999999h"])
def test_a_duration_is_a_number_of_seconds(text: str) -> None:
    """Whichever units it has."""
    expected = {
        "1h": 3600,
        "2m": 120,
        "3s": 3,
        "4ms": 0.004,
        "1h4ms": 3600.004,
        "999999999h": 999999999 * 3600,
    }
    assert expected[text] == values.seconds(text)
