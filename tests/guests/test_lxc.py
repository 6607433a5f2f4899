"""docs/guests/lxc.md, typed on two servers."""

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

pytestmark = [
    pytest.mark.guests,
    pytest.mark.kernel,
    pytest.mark.daemon,
    pytest.mark.timeout(300, func_only=True),
]


def test_the_recipe(site: GuestSite) -> None:
    site.start()
    type_recipe(site.hosts, "lxc.md")
    one, other = site.pair
    web, db = guest(one, "web"), guest(other, "db")
    assert_one_segment(web, db)
    for server in site.servers:
        assert_content(server)
    assert_mtu_matters(web, db)
    for server in site.servers:
        assert_told(server, "LXC: ")

    one.typed("lxc-stop -k -n web; sed -i /net.0.mtu/d /var/lib/lxc/web/config; lxc-start -n web")
    assert guest(one, "web").mtu == 1450, "it takes the bridge's by itself"


def guest(host: Host, name: str) -> Guest:
    """A container that runs."""
    return host.guest(name, host.typed(f"lxc-info -n {name} -pH"))
