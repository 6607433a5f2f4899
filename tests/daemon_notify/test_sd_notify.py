"""What the service manager hears: readiness, a line of status, signs of life, reloads, the end."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.slow import slow_program
from tests.daemon_notify.manager import ALIVE, Manager
from tests.lab import Server, Site, eventually
from tests.lab.site import config

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.daemon,
    pytest.mark.usefixtures("laboratory"),
]

READY, STOPPING = "READY=1", "STOPPING=1"
MORE = "EXTEND_TIMEOUT_USEC="
RELOADING, STATUS, SINCE = "RELOADING=1", "STATUS=", "MONOTONIC_USEC="
WATCHDOG = 1.0  # seconds that the manager allows between two signs of life
QUIET = 3 * WATCHDOG


@pytest.fixture
def server(laboratory: None, tmp_path: Path) -> Iterator[Server]:
    """One of two servers, with a valid configuration."""
    del laboratory
    with Site(tmp_path, 2, prefix="notify") as site:
        site.write(config((1, 2)))
        yield site.servers[0]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    """The service manager."""
    with Manager(tmp_path / "notify") as made:
        yield made


def statuses(said: list[str]) -> list[str]:
    """The lines for a person."""
    return [line.removeprefix(STATUS) for line in said if line.startswith(STATUS)]


def test_ready_once_all_is_set_up(server: Server, manager: Manager) -> None:
    """READY comes after the first reconciliation, with a line that says what there is."""
    server.start(wait=False, environment=manager.environment())
    said = manager.wait(lambda said: READY in said, "it is ready")
    link = server.link("vxl-lan-lxd2")
    assert link is not None
    assert "UP" in link["flags"]
    assert said.count(READY) == 1
    assert len(statuses(said)) == 1
    assert "in sync" in statuses(said)[0]
    assert said.index(READY) > said.index(STATUS + statuses(said)[0])


def test_a_start_may_take_as_long_as_it_is_at_work(server: Server, manager: Manager) -> None:
    """With each part that is done it asks for more time: READY may be minutes away."""
    server.start(wait=False, environment=manager.environment())
    said = manager.wait(lambda said: READY in said, "it is ready")
    asked = [line for line in said[: said.index(READY)] if line.startswith(MORE)]
    assert asked


def test_ready_though_something_is_in_the_way(server: Server, manager: Manager) -> None:
    """READY comes after a first reconciliation that couldn't do it all: guests must start."""
    server.sh("ip link add vxl-lan-lxd2 type veth peer name stranger")
    server.start(wait=False, environment=manager.environment())
    said = manager.wait(lambda said: READY in said, "it is ready")
    bridge = server.link("vxbr0")
    assert bridge is not None
    assert "UP" in bridge["flags"]
    assert "vxl-lan-lxd2" in statuses(said)[-1]


def test_ready_though_the_machine_is_not_in_the_list(server: Server, manager: Manager) -> None:
    """READY comes on a machine that can't find itself among the peers, and it says so."""
    server.write(config((2, 3)))
    server.start(wait=False, environment=manager.environment())
    said = manager.wait(lambda said: READY in said, "it is ready")
    assert "none of the peers' addresses" in statuses(said)[-1]


def test_status_follows(server: Server, manager: Manager) -> None:
    """A refused configuration is in the line, and so is a good one that comes after it."""
    server.start(wait=False, environment=manager.environment())
    manager.wait(lambda said: READY in said, "it is ready")
    for text, words in (("nonsense", "refused"), (config((1, 2)), "in sync")):
        manager.forget()
        server.write(text)
        manager.wait(lambda said: words in "".join(statuses(said)), words)  # noqa: B023 - called at once


def test_signs_of_life(server: Server, manager: Manager) -> None:
    """WATCHDOG=1 keeps coming, not while the process is stopped, and again once it goes on."""
    server.start(wait=False, environment=manager.environment(WATCHDOG))
    manager.wait(lambda said: said.count(ALIVE) >= 4, "it lives")
    assert server.daemon is not None
    server.daemon.send_signal(signal.SIGSTOP)
    manager.wait_for_silence(ALIVE, QUIET)
    manager.forget()
    server.daemon.send_signal(signal.SIGCONT)
    manager.wait(lambda said: said.count(ALIVE) >= 2, "it lives again")


def test_no_signs_of_life_unasked(server: Server, manager: Manager) -> None:
    """Without WATCHDOG_USEC the loop isn't woken up for it."""
    server.start(wait=False, environment=manager.environment())
    manager.wait(lambda said: READY in said, "it is ready")
    manager.wait_for_silence(ALIVE, QUIET)


def test_hung_loop(server: Server, manager: Manager, tmp_path: Path) -> None:
    """WATCHDOG=1 is the reconciler's loop: none comes while that hangs and other threads live."""
    hang = tmp_path / "hang"
    server.start(
        wait=False,
        environment=manager.environment(WATCHDOG),
        before=slow_program("ebtables-restore", hang, tmp_path),
    )
    manager.wait(lambda said: {READY, ALIVE} <= set(said), "it is ready, and lives")
    hang.touch()
    server.sh("ebtables -F")
    manager.wait_for_silence(ALIVE, QUIET)
    assert server.status()["node"] == "lxd1"  # the control socket's thread lives
    hang.unlink()
    manager.forget()
    manager.wait(lambda said: said.count(ALIVE) >= 2, "it lives again")
    server.configure(config((1, 2)))


def test_reload(server: Server, manager: Manager) -> None:
    """SIGHUP: RELOADING with the time it began, then READY once the configuration was read."""
    server.start(wait=False, environment=manager.environment())
    manager.wait(lambda said: READY in said, "it is ready")
    assert server.daemon is not None
    server.settled()
    manager.forget()
    before = time.monotonic_ns() // 1000
    server.daemon.send_signal(signal.SIGHUP)
    said = manager.wait(lambda said: READY in said, "it is ready again")
    times = [int(line.removeprefix(SINCE)) for line in said if line.startswith(SINCE)]
    assert [line for line in said if line in (RELOADING, READY)] == [RELOADING, READY]
    assert len(times) == 1
    assert before <= times[0] <= time.monotonic_ns() // 1000


def test_reload_of_a_bad_configuration(server: Server, manager: Manager) -> None:
    """READY comes too when the new configuration is refused, since the old one goes on."""
    server.start(wait=False, environment=manager.environment())
    manager.wait(lambda said: READY in said, "it is ready")
    assert server.daemon is not None
    server.config.write_text("[[overlay]\n", encoding="utf-8")
    eventually(lambda: server.status()["config"]["errors"], "it refuses the file")
    manager.forget()
    server.daemon.send_signal(signal.SIGHUP)
    manager.wait(lambda said: {RELOADING, READY} <= set(said), "it is ready again")
    assert server.status()["config"]["errors"]


def test_stop(server: Server, manager: Manager) -> None:
    """SIGTERM: STOPPING, and an end without error; the tunnels stay."""
    server.start(wait=False, environment=manager.environment())
    manager.wait(lambda said: READY in said, "it is ready")
    assert server.stop() == 0
    manager.wait(lambda said: said[-1:] == [STOPPING], "it stops")
    assert server.link("vxl-lan-lxd2") is not None


def test_without_a_manager(server: Server) -> None:
    """It runs just the same where nobody listens."""
    server.start()
    server.settled()
    assert server.stop() == 0
