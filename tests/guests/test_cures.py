"""What a hint says of a guest's MTU "for good", typed where the guest is of that kind."""

import re
from pathlib import Path

import pytest

from tests.guests import incus
from tests.guests.recipes import type_recipe
from tests.guests.segment import assert_content
from tests.guests.site import GuestSite
from tests.lab import eventually
from tests.mtu.daemons import hint
from tests.system.roots import unpacked

pytestmark = [
    pytest.mark.guests,
    pytest.mark.kernel,
    pytest.mark.daemon,
    pytest.mark.whole,
    pytest.mark.timeout(300, func_only=True),
]
IN_PROFILE = re.compile(r"incus (profile device set) PROFILE (eth0 mtu=\d+)")


@pytest.mark.parametrize("kind", incus.KINDS, ids=lambda kind: str(kind.name))
def test_a_profile(kind: incus.Kind, laboratory: None, tmp_path: Path) -> None:
    """LXD's and Incus's: the instance and its port follow at once."""
    del laboratory
    with _site(kind, tmp_path) as site:
        type_recipe(site.hosts, "lxd-incus.md", "Instances in vxbr0", kind.typed)
        host, _ = site.pair
        host.typed(f"{kind.client} profile device set lan eth0 mtu=1500")
        assert kind.guest(host, "web").mtu == 1500
        told = hint(host.server, "larger than the 1450 of overlay lan")
        words = IN_PROFILE.search(told["cure"])
        assert words, told
        host.typed(f"{kind.client} {words[1]} lan {words[2]}")
        eventually(lambda: kind.guest(host, "web").mtu == 1450, "web has 1450")
        assert_content(host.server)


def _site(kind: incus.Kind, folder: Path) -> GuestSite:
    site = GuestSite(folder, unpacked(kind.release, kind.name))
    for host in site.pair:
        kind.start(host)
    site.start()
    return site
