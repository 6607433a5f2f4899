"""A file that somebody is still writing is never taken for the whole, however it begins."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Site, eventually
from tests.lab.site import config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

SHORT_INTERVAL = '[reconcile]\ninterval = "100ms"\n'


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Two servers of three peers; the interval is short, so that it comes in the middle."""
    with Site(tmp_path, 2) as made:
        made.start(SHORT_INTERVAL + config([1, 2, 3]))
        yield made


@pytest.mark.parametrize("anew", [False, True], ids=["in place", "deleted first"])
def test_a_slow_writer_removes_no_peer(site: Site, *, anew: bool) -> None:
    """What is there so far is valid, and lacks a peer; drift is put right meanwhile."""
    server = site.servers[0]
    before = server.link("vxl-lan-lxd3")
    assert before is not None
    whole = SHORT_INTERVAL + config([1, 2, 3])
    if anew:
        server.config.unlink()
    with server.config.open("w") as writer:
        writer.write(SHORT_INTERVAL + config([1, 2]))
        writer.flush()
        for _ in range(3):  # turns for other reasons, and the interval in between
            server.sh("ip link set vxl-lan-lxd2 mtu 1300")
            eventually(lambda: (server.link("vxl-lan-lxd2") or {})["mtu"] == 1450, "mtu is back")
        refused = server.vxland("reload")
        assert refused.returncode == 1
        assert "is being written" in refused.stderr
        writer.seek(0)
        writer.write(whole)
    assert server.vxland("reload").returncode == 0
    server.settled()
    after = server.link("vxl-lan-lxd3")
    assert after is not None
    assert after["ifindex"] == before["ifindex"]
