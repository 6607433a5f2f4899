"""What else makes such a mesh from nothing. Each is called in the place's namespace; seconds."""

import subprocess
import time

from pyroute2 import IPRoute

from bench.place import Place, address
from tests.scripts.vxlansetup import script, variables


def by_script(place: Place, peers: int) -> float:
    """The script's own commands, a process each; of its rules there are N x (N-1)."""
    remotes = [address(number) for number in range(2, peers + 2)]
    path = place.config.with_name("vxlansetup.sh")
    path.write_text(script(variables(address(1), remotes)))
    return _run(["bash", str(path), "start"])


def by_ip_batch(place: Place, peers: int) -> float:
    """One ``ip -batch``, as somebody would write it who knows of ``isolated``."""
    lines = ["link add vxbr0 type bridge mcast_snooping 0", "link set vxbr0 up"]
    for number in range(2, peers + 2):
        ends = f"remote {address(number)} local {address(1)}"
        lines += [
            f"link add vx{number} type vxlan id {number} {ends} dstport 4789 nolearning",
            f"link set vx{number} master vxbr0",
            f"link set vx{number} type bridge_slave isolated on",
            f"link set vx{number} up",
        ]
    path = place.config.with_name("batch")
    path.write_text("\n".join(lines))
    return _run(["ip", "-batch", str(path)])


def by_pyroute2(_place: Place, peers: int) -> float:
    """pyroute2 as its manual shows it: device by device."""
    started = time.perf_counter()
    with IPRoute() as ipr:
        ipr.link("add", ifname="vxbr0", kind="bridge", br_mcast_snooping=0)
        bridge = ipr.link_lookup(ifname="vxbr0")[0]
        ipr.link("set", index=bridge, state="up")
        for number in range(2, peers + 2):
            ipr.link(
                "add",
                ifname=f"vx{number}",
                kind="vxlan",
                vxlan_id=number,
                vxlan_group=address(number),
                vxlan_local=address(1),
                vxlan_port=4789,
                vxlan_learning=0,
            )
            (index,) = ipr.link_lookup(ifname=f"vx{number}")
            ipr.link("set", index=index, master=bridge)
            ipr.brport("set", index=index, isolated=1)
            ipr.link("set", index=index, state="up")
    return time.perf_counter() - started


def flood_by_batch(place: Place, peers: int) -> float:
    """One device for all, and one ``bridge -batch`` with its flood list."""
    device = f"type vxlan id 4711 local {address(1)} dstport 4789"
    first = (
        f"ip link add vxbr0 type bridge mcast_snooping 0; ip link set vxbr0 up;"
        f"ip link add vx0 {device}; ip link set vx0 master vxbr0"
    )
    path = place.config.with_name("batch")
    path.write_text(
        "\n".join(
            f"fdb append 00:00:00:00:00:00 dev vx0 dst {address(number)}"
            for number in range(2, peers + 2)
        )
    )
    return _run(["sh", "-ec", f"{first}; bridge -batch {path}; ip link set vx0 up"])


def _run(words: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started
