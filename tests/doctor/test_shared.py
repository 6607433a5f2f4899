"""In shared mode all peers are asked at once, and each is told of for itself."""

from collections.abc import Iterator

import pytest

from tests.doctor.patient import ails, is_well
from tests.lab import Site
from tests.lab.site import HEAD, config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three servers with one device each, and guests, which answer too."""
    with Site(tmp_path_factory.mktemp("shared"), 3) as site:
        site.start(config([1, 2, 3], f'{HEAD}mode = "shared"\nvni = 42\n'))
        site.attach_containers()
        yield site


def test_a_firewall_of_one_of_them(site: Site) -> None:
    """The others are well; on that server it is named, and let in as it is said, all are."""
    server, walled = site.servers[:2]
    is_well(server)
    walled.sh("iptables -A INPUT -p udp --dport 4789 -j DROP")
    _, states = ails(server, "tunnel", "nothing comes back, though", peer="lxd2")
    assert states["tunnel", "lxd3"] == "ok"
    there, _ = ails(walled, "tunnel", "a firewall here drops UDP port 4789", peer="lxd1")
    walled.sh(there["cure"])
    is_well(server)
