"""The file that import-script makes of scripts makes of a clean server what its script makes."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from tests.lab import Server
from tests.scripts.vxlansetup import script, variables
from vxland.cli import main

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

MESHES = {
    "one file for three servers": {
        "198.51.100.2": ["203.0.113.9", "203.0.113.1"],
        "203.0.113.9": ["203.0.113.1", "198.51.100.2"],
        "203.0.113.1": ["203.0.113.9", "198.51.100.2"],
    },
    "IPv6": {"2001:db8::1": ["2001:db8::2", "2001:db8::3"]},
}
# What counts of a tunnel; a difference that the file tells of is the device it is bound to.
COMPARED = ("id", "remote", "remote6", "local", "local6", "port", "learning", "ageing", "ttl")


@pytest.fixture
def twins(tmp_path: Path, laboratory: None) -> Iterator[tuple[Server, Server]]:
    """Two servers that are alike, without addresses yet."""
    del laboratory
    both = Server("scripted", tmp_path / "scripted"), Server("imported", tmp_path / "imported")
    for one in both:
        one.sh("ip link add eth0 type veth peer name far0; ip link set far0 up")
        one.sh("ip link set eth0 up")
        one.await_carrier("eth0")
    yield both
    for one in both:
        one.delete()


def mesh(server: Server) -> dict[str, Mapping[str, Any]]:
    """Every tunnel of a server, and the bridge."""
    links = server.json("ip -d -j link")
    found: dict[str, Mapping[str, Any]] = {}
    for link in links:
        info = link.get("linkinfo", {})
        if info.get("info_kind") in ("vxlan", "bridge"):
            kept = {key: info["info_data"].get(key) for key in COMPARED}
            state = "UP" in link["flags"], link["mtu"], link.get("master")
            found[link["ifname"]] = {"kind": info["info_kind"], "state": state, **kept}
    return found


@pytest.mark.parametrize("name", MESHES)
def test_it_is_the_same_mesh(
    name: str, tmp_path: Path, twins: tuple[Server, Server], capsys: pytest.CaptureFixture[str]
) -> None:
    """Names, VNIs, both ends, port, bridge, MTU and learning, on every server."""
    files: list[tuple[str, str]] = []
    for number, (local, remotes) in enumerate(MESHES[name].items()):
        path = tmp_path / f"{number}.sh"
        path.write_text(script(variables(local, remotes)))
        files.append((local, str(path)))
    assert main(["import-script", *(file for _, file in files)]) == 0
    text = capsys.readouterr().out
    scripted, imported = twins
    imported.write(text)
    for local, file in files:
        for one in twins:
            one.sh(f"ip address add {local}/{ip_address(local).max_prefixlen} dev eth0")
            one.sh("ip route replace default dev eth0; ip -6 route replace default dev eth0")
        scripted.run(["bash", file, "start"])
        imported.vxland("apply", check=True)
        assert len(mesh(scripted)) == len(MESHES[name][local]) + 1
        assert mesh(scripted) == mesh(imported)
        scripted.run(["bash", file, "stop"])
        imported.vxland("down", check=True)
        for one in twins:
            one.sh("ip address flush dev eth0 scope global")
