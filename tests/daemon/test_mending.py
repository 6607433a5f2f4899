"""Repairs between turns: each is told, counted and remembered as one, whatever comes next."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.daemon_view import metrics
from tests.lab import Server, Site, eventually
from tests.lab.site import HEAD, config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

ONE, TWO = "vxl-lan-lxd2", "vxl-lan-lxd3"
OFTEN = 5
MANY = 8  # not enough to be fought over, and at least 3 s
QUIET = '[reconcile]\ninterval = "24h"\n\n'  # so that only events tell
OFTEN_CHECKED = '[reconcile]\ninterval = "1s"\n\n'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """One with a daemon and two tunnels."""
    with Site(tmp_path, 1) as site:
        (made,) = site.servers
        made.write(config(range(1, 4), f"{QUIET}{HEAD}"))
        made.start()
        made.settled()
        yield made


def repairs(server: Server, device: str) -> int:
    """How often a device was put right, by the events told."""
    events = server.ask("events")["events"]
    return sum(e["count"] for e in events if (e["kind"], e["device"]) == ("repaired", device))


def deleted_and_back(server: Server, device: str) -> None:
    """Somebody deletes a tunnel, and another one comes up in its place."""
    before = server.link(device)
    assert before is not None
    server.sh(f"ip link del {device}")

    def is_back() -> bool:
        link = server.link(device)
        return link is not None and link["ifindex"] != before["ifindex"] and "UP" in link["flags"]

    eventually(is_back, f"{device} is back")


def deleted_and_told(server: Server, device: str) -> None:
    """The same, and a turn was taken that tells of it."""
    before = repairs(server, device)
    deleted_and_back(server, device)
    eventually(lambda: repairs(server, device) > before, f"{device} is told of")


def test_each_repair_is_told_and_counted(server: Server) -> None:
    """However many there are before the turn that tells of them."""
    before = metrics(server)("vxland_drift_total", kind="existence")
    for device in (*(ONE,) * OFTEN, TWO):
        deleted_and_back(server, device)
    eventually(lambda: (repairs(server, ONE), repairs(server, TWO)) == (OFTEN, 1), "all is told")
    after = metrics(server)("vxland_drift_total", kind="existence")
    assert after - before == OFTEN + 1
    server.settled()
    assert server.status()["overlays"][0]["tunnels"][1]["last_repair"]
    assert server.log.read_text().count(f"{TWO} put right") == 1


def test_the_end_tells_of_the_last_one(server: Server) -> None:
    """Though no turn came any more, maybe."""
    deleted_and_back(server, ONE)
    assert server.stop() == 0
    assert server.log.read_text().count(f"{ONE} put right") == 1


def test_repairs_dont_keep_the_check_away(tmp_path: Path) -> None:
    """Everything is looked at when it is due, however often something is put right meanwhile."""
    with Site(tmp_path, 1) as site:
        (server,) = site.servers
        server.write(config(range(1, 4), f"{OFTEN_CHECKED}{HEAD}"))
        server.start()
        server.settled()

        def checks() -> float:
            return metrics(server)("vxland_reconciliations_total", trigger="interval")

        before = checks()
        for device in (ONE, TWO) * MANY:  # a turn that tells of one is 0.2 s after it
            deleted_and_told(server, device)
            if checks() >= before + 2:
                return
        pytest.fail("no check came")
