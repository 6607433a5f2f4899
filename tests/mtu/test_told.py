"""A guest that is left at 1500: its user is told, instead of wondering why scp hangs."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.daemon_view import logged, metrics
from tests.lab import Site, eventually
from tests.lab.site import HEAD, MTU, Container, config
from tests.mtu.daemons import ETHERNET, HANGS, WORKS, hint, no_hint, set_guest
from tests.mtu.sending import BULK, tcp_bytes

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

TOO_LARGE = "vxland_overlay_foreign_ports_mtu_too_large"
COMMAND = re.compile(r"ip link set \S+ mtu \d+")
UNTOUCHED = HEAD + "mtu = 1500\n"


@pytest.fixture(name="site")
def _site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path, 2) as made:
        yield made


def bulk(one: Container, other: Container) -> int:
    """How many of BULK bytes arrive in a while."""
    return tcp_bytes((one, other), other.address, WORKS)


def test_what_is_too_large_is_told_until_it_is_mended(site: Site) -> None:
    """By the commands that status prints, typed as they are."""
    site.start()
    web, db = site.add_containers()
    for guest in (web, db):
        set_guest(guest, ETHERNET)
    assert web.reaches(db.address)
    assert tcp_bytes((web, db), db.address, HANGS) == 0

    for guest in (web, db):
        server, port = guest.server, guest.port
        told = hint(server, f"larger than the {MTU} of overlay lan: {port} (1500)")
        status = server.vxland("status")
        assert status.returncode == 0
        assert f"hint: {told['text']}" in status.stdout
        assert metrics(server)(TOO_LARGE, overlay="lan") == 1
        logged(server, "hint", f"{port} (1500)", "Their large packets vanish")
        (line,) = (each for each in status.stdout.splitlines() if "Inside the guest: " in each)
        guest.sh(COMMAND.findall(line)[0])
        (line,) = (each for each in status.stdout.splitlines() if "Then here: " in each)
        server.sh(COMMAND.findall(line)[0])

    for one, other in ((web, db), (db, web)):
        assert bulk(one, other) == BULK
        no_hint(one.server)
        assert metrics(one.server)(TOO_LARGE, overlay="lan") == 0


def test_guests_may_stay_untouched(site: Site) -> None:
    """With mtu = 1500 there is nothing to tell, but where the file is checked."""
    site.start(config((1, 2), UNTOUCHED))
    web, db = site.attach_containers()
    for guest in (web, db):
        set_guest(guest, ETHERNET)
    site.all_reach()
    for one, other in ((web, db), (db, web)):
        assert bulk(one, other) == BULK
        one.server.settled()
        assert one.server.status()["problems"] == []
        checked = one.server.vxland("check", check=True).stdout
        assert "the mtu of overlay lan is 1500, and 1450 fit into one packet" in checked


def test_over_ipv6_that_would_lose_packets(site: Site) -> None:
    """So it is told as long as it is so, where the file is checked too."""
    server, _ = site.servers
    over6 = config((1, 2), UNTOUCHED).replace("192.0.2.", "2001:db8::")
    for number, each in enumerate(site.servers, 1):
        each.sh(f"ip addr add 2001:db8::{number}/64 dev eth0 nodad")
    site.start(over6)
    told = hint(server, "the mtu of overlay lan is 1500, and 1430 fit into one packet to lxd2")
    assert "over IPv6" in told["text"]
    assert f"warning: {told['text']}" in server.vxland("check", check=True).stdout
    assert 'mtu = "auto"' in told["cure"]
    server.configure(over6.replace("mtu = 1500", 'mtu = "auto"'))
    no_hint(server)
    eventually(lambda: server.status()["overlays"][0]["mtu"] == 1430, "1430 is the overlay's")
