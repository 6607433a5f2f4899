"""Which programs claim a device, by the files that they leave."""

from ipaddress import ip_address
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.core.test_report import DEVICE, desired, seen
from vxland.makers.subjects import Subject, subjects
from vxland.observed import Claim, FdbEntry, Link, Observed
from vxland.probe import managers
from vxland.probe.managers import LARGEST, OWN, Patrol, all_claims, read

BRIDGE = Link("vxbr0", "bridge", alias="vxland:lan")
OBSERVED = Observed(links={**seen().links, "vxbr0": BRIDGE})
INDEXES = {"vxbr0": 7, DEVICE: 8}
ETC, USR = "etc/systemd/network", "usr/lib/systemd/network"
ALL = "[Match]\nName=vx*\n[Network]\nDHCP=yes\n"
OWN_FILE = f"[Match]\nProperty={OWN}=vxland\n[Link]\nUnmanaged=yes\n"
PACKAGED = {f"{USR}/05-vxland.network": OWN_FILE, f"{ETC}/90-all.network": ALL}


def asked() -> tuple[Subject, ...]:
    """The bridge and the tunnel."""
    return subjects(desired(), OBSERVED)


def write(root: Path, files: dict[str, str]) -> None:
    """Make these files."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("files", "program"),
    [
        ({"run/NetworkManager/devices/7": "[device]\nmanaged=true\n"}, "NetworkManager"),
        ({"run/NetworkManager/devices/7": "[device]\nmanaged=false\n"}, ""),
        ({"run/systemd/netif/links/7": "ADMIN_STATE=unmanaged\n"}, ""),
        (
            {"run/systemd/netif/links/7": "ADMIN_STATE=configured\nNETWORK_FILE=/etc/x.network\n"},
            "systemd-networkd",
        ),
        ({"etc/network/interfaces": "auto vxbr0\niface vxbr0 inet static\n"}, "ifupdown"),
        (
            {
                "etc/network/interfaces": "source interfaces.d/*\nsource ../../[\n",
                "etc/network/interfaces.d/br": "iface vxbr0 inet manual\n",
            },
            "ifupdown",
        ),
        ({"etc/network/interfaces": "iface eth0 inet dhcp\n"}, ""),
        ({"etc/network/interfaces": "iface vxbr0\n" + "#" * LARGEST}, ""),
        ({"run/udev/data/n7": "E:ID_NET_DRIVER=bridge\n"}, "udev"),
        ({"run/udev/data/n7": "I:1\nL:1\nE:ID_NET_MANAGED_BY=vxland\n"}, ""),
    ],
)
def test_each_by_what_it_writes_or_is_told(
    tmp_path: Path, files: dict[str, str], program: str
) -> None:
    """Of the bridge, and of that alone."""
    write(tmp_path, files)
    found = all_claims(asked(), INDEXES, tmp_path)
    assert [(claim.program, claim.device) for claim in found] == (
        [(program, "vxbr0")] if program else []
    )


def test_what_is_known_now_and_what_will_be(tmp_path: Path) -> None:
    """The doctor goes by what udev has seen; the daemon by what it will, where there is udev."""
    write(tmp_path, {**PACKAGED, "run/udev/data/n7": "E:ID_NET_MANAGED_BY=vxland\n"})
    assert {claim.device for claim in all_claims(asked(), INDEXES, tmp_path)} == {DEVICE}
    assert {c.device for c in Patrol(tmp_path).claims(desired(), OBSERVED)} == {"vxbr0", DEVICE}
    write(tmp_path, {"run/udev/control": ""})
    assert Patrol(tmp_path).claims(desired(), OBSERVED) == ()


def test_what_a_running_networkd_does_is_not_told_twice(tmp_path: Path) -> None:
    """Its own word comes before its files."""
    state = f"NETWORK_FILE=/{ETC}/90-all.network\n"
    write(tmp_path, {f"{ETC}/90-all.network": ALL, "run/systemd/netif/links/7": state})
    found = {claim.device: claim for claim in all_claims(asked(), INDEXES, tmp_path)}
    assert {name: claim.line for name, claim in found.items()} == {"vxbr0": 0, DEVICE: 2}


def test_files_are_read_rarely(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn is no reason to read them again."""
    patrol = Patrol(tmp_path)
    assert patrol.claims(desired(), OBSERVED) == ()
    write(tmp_path, {f"{ETC}/90-all.network": ALL})
    assert patrol.claims(desired(), OBSERVED) == ()
    monkeypatch.setattr(patrol, "_due", 0.0)
    assert len(patrol.claims(desired(), OBSERVED)) == 2


def test_what_was_thought_about_is_not_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless there are other files or devices; what tunnels have learned is nothing to it."""
    thoughts: list[object] = []

    def think(*asked: object) -> tuple[Claim, ...]:
        thoughts.append(asked)
        return ()

    monkeypatch.setattr(managers, "claims", think)
    patrol = Patrol(tmp_path)
    learned = {
        DEVICE: frozenset({FdbEntry("02:00:00:00:00:01", ip_address("203.0.113.2"), static=False)})
    }
    for _ in range(2):
        patrol.claims(desired(), OBSERVED)
        patrol.claims(desired(), replace(OBSERVED, fdb=learned))
    assert len(thoughts) == 1
    patrol.claims(desired(), seen())
    assert len(thoughts) == 2
    write(tmp_path, {f"{ETC}/90-all.network": ALL})
    monkeypatch.setattr(patrol, "_due", 0.0)
    patrol.claims(desired(), seen())
    assert len(thoughts) == 3
    write(tmp_path, {"run/udev/control": ""})
    patrol.claims(desired(), seen())
    assert len(thoughts) == 4


def test_what_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    """A folder of a file's name, a link that leads nowhere."""
    (tmp_path / ETC / "a.network").mkdir(parents=True)
    (tmp_path / ETC / "b.network").symlink_to("nowhere")
    (tmp_path / ETC / "c.network").symlink_to("/dev/null")
    assert read(tmp_path) == {}
