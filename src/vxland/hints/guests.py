"""Whose a bridge port is, as far as its name tells, and how a guest gets another setting."""

import re

from msgspec import Struct


class Guests(Struct, frozen=True):
    """What makes ports of such names. ``{mtu}`` stands for the MTU."""

    pattern: re.Pattern[str]
    mtu: str  # how its guests get another MTU
    isolation: str = ""  # how their ports are let out of isolation for good


LXD = "Incus or LXD"

GUESTS = (
    Guests(
        re.compile(r"veth[0-9a-f]{8}|tap[0-9a-f]{8}"),
        f"{LXD}: incus profile device set PROFILE eth0 mtu={{mtu}}, or where the instance has the"
        " device itself, incus config device set INSTANCE eth0 mtu={mtu} (or lxc in its place)",
        f"{LXD}: incus config device set INSTANCE eth0 security.port_isolation=false",
    ),
    Guests(
        re.compile(r"veth[0-9a-f]{7}"),
        "Docker: docker network create -o com.docker.network.driver.mtu={mtu} … (a new network)",
    ),
    Guests(
        re.compile(r"(tap|veth)\d+i\d+|fw(pr|ln|br)\d+[ip]\d+"),
        "Proxmox: mtu={mtu} in the guest's net0 (qm set or pct set)",
    ),
    Guests(
        re.compile(r"veth\w{6}|veth\d+_\w{4}"),
        "LXC: lxc.net.0.mtu = {mtu} in the container's configuration",
    ),
    Guests(
        re.compile(r"vnet\d+"),
        "libvirt: <mtu size='{mtu}'/> in the guest's <interface> (virsh edit)",
        "libvirt: <port isolated='no'/> in the guest's <interface> (virsh edit)",
    ),
    Guests(re.compile(r"vif\d+\.\d+(-emu)?"), "Xen: mtu={mtu} in the guest's vif"),
    Guests(re.compile(r"v[be]-.+"), "systemd-nspawn: MTUBytes={mtu} in a .network file in it"),
)


def guests_of(port: str) -> Guests | None:
    """What made this port; None where its name doesn't tell."""
    return next((guests for guests in GUESTS if guests.pattern.fullmatch(port)), None)
