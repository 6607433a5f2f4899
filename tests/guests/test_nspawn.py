"""docs/guests/nspawn.md, typed on two servers."""

import shlex

import pytest

from tests.guests.guest import Guest
from tests.guests.host import Host
from tests.guests.recipes import type_recipe
from tests.guests.segment import (
    assert_content,
    assert_mtu_matters,
    assert_one_segment,
    assert_told,
)
from tests.guests.site import GuestSite
from tests.lab import eventually
from tests.system.quickstart import Step

pytestmark = [
    pytest.mark.guests,
    pytest.mark.kernel,
    pytest.mark.daemon,
    pytest.mark.timeout(300, func_only=True),
]

UNIT = "/lib/systemd/system/systemd-nspawn@.service"
DROP_IN = "/etc/systemd/system/systemd-nspawn@{name}.service.d/mtu.conf"
# A Debian that is in /mnt, in a layer of its own.
TREE = """
mkdir -p /var/lib/machines/{name} /tmp/{name}/upper /tmp/{name}/work
mount -t overlay -o lowerdir=/mnt,upperdir=/tmp/{name}/upper,workdir=/tmp/{name}/work overlay \
  /var/lib/machines/{name}
systemctl --root=/var/lib/machines/{name} mask lxc.service lxc-net.service lxc-monitord.service
"""
# There is no systemd here that would do it, and no mount of an overlay can be shifted (-U).
BESIDES = ("--register=no", "--private-users=no")
SHIFTED = "-U"


def started(host: Host, step: Step) -> str | None:
    """Do what ``machinectl start`` does: what the unit of systemd's says, and the drop-in."""
    if step.command == "systemctl daemon-reload\n":
        return ""
    if not step.command.startswith("machinectl start "):
        return None
    name = step.command.split()[-1]
    lines = host.typed(f"cat {UNIT} {DROP_IN.format(name=name)}").replace("%i", name).splitlines()
    unit = dict(line.split("=", 1) for line in lines if line.startswith("ExecStart"))
    words = shlex.split(unit["ExecStart"])
    host.start(shlex.join([word for word in words if word != SHIFTED] + list(BESIDES)))
    eventually(lambda: host.server.link(f"vb-{name}"), lambda: f"{name} starts:\n{host.tail()}")
    host.typed(unit["ExecStartPost"])
    return ""


def guest(host: Host, name: str) -> Guest:
    """A container whose networkd is done."""
    find = "ps -C systemd -o pid= | head -n 1"  # the container's is the only one
    eventually(
        lambda: host.typed(find),
        lambda: f"{name} starts:\n{host.typed('ps -eH')}{host.tail()}",
    )
    found = host.guest(name, host.typed(find), "host0")
    eventually(
        lambda: found.json("ip -j -4 addr show dev host0"),
        lambda: f"{name} has its address:\n{host.tail()}",
    )
    return found


def test_the_recipe(site: GuestSite) -> None:
    site.start()
    one, other = site.pair
    one.typed(TREE.format(name="web"))
    other.typed(TREE.format(name="db"))
    type_recipe(site.hosts, "nspawn.md", instead=started)
    web, db = guest(one, "web"), guest(other, "db")
    assert_one_segment(web, db)
    for server in site.servers:
        assert_content(server)
    assert_mtu_matters(web, db)
    for server in site.servers:
        assert_told(server, "systemd-nspawn: ")
