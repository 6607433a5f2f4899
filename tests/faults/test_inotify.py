"""The kernel watches no folders for the daemon, from its start or later on: it looks by itself."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.confined import Confined
from tests.faults.ledger import Ledger
from tests.lab import eventually
from tests.lab.site import config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.usefixtures("laboratory")]

INSTANCES, WATCHES = "max_inotify_instances", "max_inotify_watches"
CURES = {INSTANCES: "fs.inotify.max_user_instances", WATCHES: "fs.inotify.max_user_watches"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Confined]:
    """One whose daemon hasn't been started yet."""
    made = Confined("confined", tmp_path / "etc")
    try:
        made.sh("ip addr add 192.0.2.1/24 dev lo")
        made.write(config([1, 2]))
        yield made
    finally:
        made.delete()


def wants(server: Confined, peers: list[int]) -> None:
    """These are written into the file, and nobody says so; the daemon follows."""
    server.write(config(peers))
    named = {f"vxl-lan-lxd{number}" for number in peers[1:]}
    eventually(
        lambda: {link["ifname"] for link in server.json("ip -j link show type vxlan")} == named,
        lambda: f"there are {named}; it logged:\n{server.tail()}",
    )


def tells(server: Confined) -> str:
    """What it says of the watch where somebody asks."""
    said = json.dumps(server.ask("status"))
    return said if "changes of the configuration are noticed late" in said else ""


def is_told(server: Confined, limit: str) -> None:
    """In the status and in the log, with its cure."""
    eventually(lambda: CURES[limit] in tells(server), f"{limit} is told of")
    assert CURES[limit] in server.log.read_text()


@pytest.mark.parametrize(("limit", "left"), [(INSTANCES, 0), (WATCHES, 2)])
def test_a_limit_that_is_reached_at_the_start(
    server: Confined, ledger: Ledger, limit: str, left: int
) -> None:
    """It starts all the same, and once there is room it watches."""
    server.limit(limit, left)
    with ledger.injected(f"{left} of {limit}"):
        server.launch()
        is_told(server, limit)
        wants(server, [1, 2, 3])
        server.limit(limit)
        eventually(lambda: not tells(server), "it is watched")
        wants(server, [1, 3])


def test_a_limit_that_is_reached_later(server: Confined, ledger: Ledger) -> None:
    """The folder is replaced, and the new one can't be watched. An instance it has already."""
    server.launch()
    assert not tells(server)
    folder = server.config.parent
    new = folder.with_name("new")
    new.mkdir()
    for file in (server.config, server.log):
        (new / file.name).hardlink_to(file)
    server.limit(INSTANCES, 0)
    server.limit(WATCHES, 0)
    with ledger.injected(f"no more of {WATCHES}"):
        folder.rename(folder.with_name("old"))
        new.rename(folder)
        is_told(server, WATCHES)
        wants(server, [1, 2, 3])
        server.limit(WATCHES)
        eventually(lambda: not tells(server), "it is watched")
        wants(server, [1, 3])
