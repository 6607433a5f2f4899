"""What goes wrong on one server, and at its network card: found, and mended as it is said."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.bad_config import BAD
from tests.doctor.card import Card
from tests.doctor.patient import ails, examined, is_well
from tests.lab import Namespace, Server, Site
from tests.lab.server import VXLAND
from tests.lab.site import config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

TWO = config([1, 2])
CUT = "tx-udp_tnl-segmentation {0} tx-udp_tnl-csum-segmentation {0}"
GUEST = "ip link add {0} type veth peer name g-{0}; ip link set {0} mtu {1} master vxbr0 up"
AS_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
NETWORKS = Path("/etc/systemd/network")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A place for files that everybody can read."""
    folder = Path(tempfile.mkdtemp(prefix="vxland-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[Site]:
    """Two servers, of which the second has a network card of its own kind."""
    with Site(folder, 2) as site:
        yield site


@pytest.fixture(scope="module")
def card(site: Site) -> Iterator[Card]:
    """The second one's; both are in sync."""
    server, inside = site.servers[1], Namespace("card")
    server.sh("ip link del eth0")
    server.sh(f"ip link add eth0 type veth peer name left netns {inside.path}")
    site.underlay.sh(f"ip link add p2 type veth peer name right netns {inside.path}")
    site.underlay.sh(f"ethtool -K p2 {CUT.format('off')}; ip link set p2 master br0 up")
    inside.sh("ip link set left up; ip link set right up")
    server.sh(f"ethtool -K eth0 {CUT.format('off')}")
    server.sh("ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up")
    try:
        with Card(inside) as card:
            site.start(TWO)
            yield card
    finally:
        inside.delete()


@pytest.fixture
def server(site: Site, card: Card) -> Server:
    """The first one."""
    del card
    return site.servers[0]


def test_a_card_that_cannot_cut(site: Site, card: Card) -> None:
    """Large segments of TCP vanish; ping at any size works. Turned off as it is said, all does."""
    del card
    sick = site.servers[1]
    is_well(sick)
    sick.sh(f"ethtool -K eth0 {CUT.format('on')}")
    told, states = ails(sick, "offload", "packets vanish that eth0 is to cut", peer="lxd1")
    assert states["tunnel", "lxd1"] == "ok"
    sick.sh(told["cure"])
    is_well(sick)


def test_a_card_that_does_not_sum(site: Site, card: Card) -> None:
    """Its packets are wrong; the one that gets them knows, and the sender is told to do it."""
    server, sick = site.servers
    card.sums = False
    told, _ = ails(server, "tunnel", "its packets come with a wrong checksum", peer="lxd2")
    assert "ethtool -K DEVICE tx off" in told["cure"]
    ails(server, "checksums", "came with a wrong one meanwhile")
    sick.sh(re.findall("ethtool.*off", told["cure"])[0].replace("DEVICE", "eth0"))
    is_well(server)
    card.sums = True
    sick.sh(f"ethtool -K eth0 tx on {CUT.format('off')}")


def test_a_guest_with_too_large_an_mtu(server: Server) -> None:
    """A hint of the daemon's is a finding here."""
    server.sh(GUEST.format("veth1", 1500))
    told, _ = ails(server, "sync", "veth1 (1500)", overlay="lan")
    server.sh(re.findall("Then here: ([^.]*)", told["cure"])[0])
    is_well(server)
    server.sh("ip tuntap add tap0 mode tap; ip link set tap0 mtu 1450 master vxbr0 up")
    (tap,) = (f for f in examined(server)["findings"] if f["check"] == "guests")
    assert (tap["state"], "tap0" in tap["text"]) == ("unknown", True)
    server.sh("ip link del tap0; ip link del veth1")


def test_a_policy_that_eats_bridged_frames(server: Server) -> None:
    """br_netfilter with FORWARD's policy of drop, as Docker sets it."""
    server.sh("sysctl -qw net.bridge.bridge-nf-call-iptables=1; iptables -P FORWARD DROP")
    told, _ = ails(server, "sync", "br_netfilter", overlay="lan")
    server.sh(re.findall("iptables -I [^;.]*", told["cure"])[0])
    is_well(server)
    server.sh("iptables -P FORWARD ACCEPT; iptables -F FORWARD")


def test_a_file_by_which_networkd_manages_tunnels(server: Server) -> None:
    """It matters once networkd runs; what is printed keeps it off."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", NETWORKS], check=True)
    try:
        (NETWORKS / "10-all.network").write_text("[Match]\nName=vx*\n\n[Network]\nDHCP=yes\n")
        told, _ = ails(server, "managers", "systemd-networkd is to manage vxbr0, vxl-lan-lxd2 (")
        server.sh(told["cure"].partition(";")[0])
        is_well(server)
        assert "Name=vxbr0 vxl-*" in (NETWORKS / "00-vxland.network").read_text()
    finally:
        subprocess.run(["umount", NETWORKS], check=True)


def test_without_rights(server: Server) -> None:
    """What can be told is, and what can't be, with the reason and what to do about it."""
    words = [*AS_NOBODY, str(VXLAND), "doctor", "--config", str(server.config)]
    done = server.run(words, check=False)
    assert done.returncode in (0, 2)  # whether this machine's clock is synchronized isn't ours
    assert "unknown  rights     neither paths nor tunnels could be tried" in done.stdout
    assert "Run it as root: sudo vxland doctor" in done.stdout
    assert "ok       sync" in done.stdout
    assert "problem" not in done.stdout


def test_without_the_daemon(server: Server) -> None:
    """Tunnels are proven all the same."""
    server.stop()
    told, states = ails(server, "daemon", "doesn't run here")
    assert told["state"] == "warning"
    assert states["tunnel", "lxd2"] == "ok"
    server.sh("ip link set vxl-lan-lxd2 nomaster")
    told, _ = ails(server, "sync", "aren't as configured")
    assert told["cure"] == "vxland apply"
    server.start()
    server.settled()
    is_well(server)


def test_a_file_that_was_refused(server: Server) -> None:
    """The doctor can't read it either, and says what ``check`` says, as does JSON."""
    before = server.config.read_text()
    spoil, words = BAD["broken TOML"]
    spoil(server.config)
    done, checked = (server.vxland(word) for word in ("doctor", "check"))
    assert (done.returncode, done.stderr) == (1, checked.stderr)
    assert all(word in done.stderr for word in words)
    assert '"errors"' in server.vxland("doctor", "--json").stdout
    server.write(before)
    server.settled()


def test_another_file_than_the_one_in_force(server: Server, folder: Path) -> None:
    """As with --config forgotten."""
    other = folder / "other.toml"
    other.write_text(TWO.replace("9788", "9789"))
    done = server.run([str(VXLAND), "doctor", "--config", str(other)], check=False)
    assert done.returncode == 2
    assert "warning  config     these files aren't in force" in done.stdout


def test_a_file_without_overlays(server: Server, folder: Path) -> None:
    """There is nothing to examine but the machine."""
    empty = folder / "empty.toml"
    empty.write_text("")
    server.stop()
    done = server.run([str(VXLAND), "doctor", "--config", str(empty)], check=False)
    assert done.returncode == 2
    assert "warning  daemon" in done.stdout
    assert "overlay lan" not in done.stdout
    server.start()
    server.settled()
