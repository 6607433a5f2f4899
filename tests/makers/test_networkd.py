"""A mesh that systemd-networkd made becomes vxland's, and networkd lets go of it."""

import re

import pytest

from tests.lab import eventually
from tests.makers.maker import Maker, shown

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120, func_only=True)]

TITLE = "From systemd-networkd"
FOLDER = "etc/systemd/network"
DAEMON = "/usr/lib/systemd/systemd-networkd"
FILE = re.compile(r"^# (\S+)\n(.*?)(?=^# |\Z)", re.MULTILINE | re.DOTALL)
OLD = {"vxbr0", "mesh-lxd2", "mesh-lxd3"}
NEW = {"vxbr0", "vxl-lan-lxd2", "vxl-lan-lxd3"}


def states(maker: Maker) -> dict[str, str]:
    """What networkd says that it does with each device."""
    lines = maker.ask_inside("networkctl list --no-legend --no-pager", check=False).splitlines()
    return {words[1]: words[4] for words in map(str.split, lines)}


def made(maker: Maker) -> dict[str, int]:
    """Have networkd make what the document shows; gives the indexes."""
    for name, text in FILE.findall(shown(TITLE, "ini")):
        maker.place(f"{FOLDER}/{name}", text)
    maker.write(shown(TITLE, "toml"))
    maker.start_bus()
    maker.start_udev()
    maker.start_inside(DAEMON)
    configured(maker, OLD)
    return maker.numbers()


def configured(maker: Maker, devices: set[str]) -> None:
    """Wait until networkd has made and configured these."""
    wanted = dict.fromkeys(devices, "configured")
    eventually(
        lambda: wanted.items() <= states(maker).items(),
        lambda: f"networkd makes {devices}: {states(maker)}\n{maker.tail()}",
    )


def restart(maker: Maker) -> None:
    """End networkd, start it, and wait until it has looked at all devices."""
    maker.end_inside(DAEMON)
    maker.start_inside(DAEMON)
    eventually(
        lambda: states(maker).keys() >= NEW and "pending" not in states(maker).values(),
        lambda: f"networkd sees all: {states(maker)}",
    )


def test_the_documented_steps(maker: Maker) -> None:
    """The devices are the same ones; networkd doesn't touch them any more; and back."""
    before = made(maker)
    assert set(before) == OLD
    mac = maker.look_up()["vxbr0"]["address"]

    said = maker.type_steps(TITLE)
    assert f"systemd-networkd is to make mesh-lxd2 (/{FOLDER}/10-mesh-lxd2.netdev:2)," in said
    assert f"mesh-lxd2, mesh-lxd3 (/{FOLDER}/20-mesh.network:2)" in said
    after = maker.numbers()
    assert set(after) == NEW
    assert sorted(after.values()) == sorted(before.values())
    assert maker.look_up()["vxbr0"]["address"] == mac
    unmanaged = dict.fromkeys(NEW, "unmanaged")
    assert unmanaged.items() <= states(maker).items()

    restart(maker)
    maker.settled()
    assert maker.numbers() == after
    assert unmanaged.items() <= states(maker).items()
    maker.is_vxlands()
    assert "inet 10.10.10.1/24" in maker.sh("ip addr show dev vxbr0")

    maker.type_steps("Back to systemd-networkd")
    configured(maker, OLD)
    assert set(maker.numbers()) == OLD


def test_while_the_files_stay(maker: Maker) -> None:
    """The daemon says so, and keeps all of it true: reload, restart."""
    made(maker)
    maker.vxland("apply", "--adopt", check=True)
    before = maker.numbers()
    maker.type_line("systemctl enable --now vxland")
    maker.ask_inside("networkctl reload")
    restart(maker)
    maker.settled()
    assert maker.numbers() == before
    eventually(lambda: maker.vxland("plan").stdout == "nothing to do\n", maker.tail, patience=60)
    eventually(
        lambda: any("systemd-networkd is to make" in p["text"] for p in maker.status()["problems"]),
        lambda: f"the daemon says so: {maker.status()['problems']}",
    )
