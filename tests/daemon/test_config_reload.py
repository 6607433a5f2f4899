"""A configuration that changes under a running daemon: what changes with it, and what doesn't."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from operator import ne

import pytest

from tests.daemon.bad_config import BAD, BASE, with_peer
from tests.daemon.daemon_view import logged, metrics, quiet
from tests.daemon.kernel_view import Snapshot, assert_equal, rules, snapshot
from tests.lab import Container, Flow, Listener, Server, Site, broadcast, eventually
from tests.lab.site import HEAD, config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

CHANGES = {
    "one more": config(range(1, 5)),
    "one less": config(range(1, 3)),
    "one disabled": BASE + "disabled = true\n",
    "one in no overlay": BASE + "overlays = []\n",
    "one with another address": BASE.replace("192.0.2.3", "192.0.2.33"),
    "one renamed": BASE.replace("lxd3", "other"),
    "one with another VNI": BASE.replace(
        "\n[[peer]]", '[overlay.vnis]\n"lxd1 lxd3" = 4711\n\n[[peer]]', 1
    ),
    "options of all": BASE.replace(
        HEAD, HEAD + 'ttl = 9\ntos = 8\ndf = "set"\nageing = 60\nlearning = true\nmtu = 1400\n'
    ),
    "another HTTP address": BASE.replace(":9788", ":9799"),
}


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three servers, with a container behind each."""
    with Site(tmp_path_factory.mktemp("mesh"), 3) as site:
        site.start(BASE)
        site.add_containers()
        yield site


@contextmanager
def nothing_lost(one: Container, other: Container) -> Iterator[None]:
    """Every frame of two steady streams between these arrives exactly once."""
    with (
        Listener(one) as at_one,
        Listener(other) as at_other,
        Flow(one, at_other.mac) as there,
        Flow(other, at_one.mac) as back,
    ):
        eventually(lambda: min(there.sent, back.sent) > 100, "streams flow")
        yield
        before = there.sent + back.sent
        eventually(lambda: there.sent + back.sent > before + 100, "streams flow on")
        all_arrived(there, at_other)
        all_arrived(back, at_one)


def all_arrived(flow: Flow, listener: Listener) -> None:
    """Each frame of the flow came, and came once."""
    flow.stop()
    eventually(
        lambda: flow.lost(listener) == 0, lambda: f"{flow.lost(listener)} of {flow.sent} lost"
    )
    assert listener.copies(flow.number) == 1


def save(servers: list[Server], text: str) -> None:
    """Save the file on each, and wait until it is in force and all is as it says."""
    before = [digest(server) for server in servers]
    for server in servers:
        server.write(text)
    eventually(
        lambda: all(map(ne, before, map(digest, servers))),
        lambda: "; ".join(server.tail() for server in servers),
    )
    for server in servers:
        server.settled()


def digest(server: Server) -> str:
    """Which configuration is in force."""
    return str(server.status()["config"]["digest"])


def kept(server: Server) -> dict[str, int]:
    """The index of what a change of peer 3 must not touch."""
    return {
        name: index
        for name, index in snapshot(server).indexes.items()
        if name in ("vxbr0", "vxl-lan-lxd1", "vxl-lan-lxd2")
    }


@pytest.mark.parametrize("name", CHANGES)
def test_change_disturbs_nobody_else(mesh: Site, name: str) -> None:
    """There and back, by saving the file alone: same devices, and not one frame lost."""
    servers = mesh.servers[:2]
    before = [kept(server) for server in servers]
    with nothing_lost(*mesh.containers[:2]):
        save(servers, CHANGES[name])
        assert [kept(server) for server in servers] == before
        save(servers, BASE)
        assert [kept(server) for server in servers] == before


GUARDS = {
    "isolated": ["isolated"],
    "ebtables": ["ebtables"],
    "both": ["isolated", "ebtables"],
}
WAYS = ["isolated", "ebtables", "both", "isolated", "both", "ebtables", "isolated"]


def guards(server: Server) -> dict[str, bool]:
    """Which guards the kernel has, each for all of the tunnels."""
    links = snapshot(server).links
    ports = [link for name, link in links.items() if name.startswith("vxl-")]
    flags = {port["linkinfo"]["info_slave_data"]["isolated"] for port in ports}
    assert len(flags) == 1
    chain = "-A VXLAND -i vxl-+ -o vxl-+ -j DROP" in rules(server)
    assert chain == ("-A FORWARD -i vxl-+ -o vxl-+ -j VXLAND" in rules(server))
    return {"isolated": flags.pop(), "ebtables": chain}


def test_guards_change_under_traffic(mesh: Site) -> None:
    """From each set of guards to each other: no frame lost, none twice, the old one gone."""
    one, other, third = mesh.containers
    sent: list[int] = []
    with nothing_lost(one, other), Listener(other) as at_other, Listener(third) as at_third:

        def arrivals() -> list[int]:
            return [at.arrived(flow) for at in (at_other, at_third) for flow in sent]

        for way in WAYS:
            listed = ", ".join(f'"{name}"' for name in GUARDS[way])
            save(mesh.servers, BASE.replace(HEAD, f"{HEAD}guard = [{listed}]\n"))
            expected = {name: name in GUARDS[way] for name in ("isolated", "ebtables")}
            assert [expected] * 3 == [guards(server) for server in mesh.servers]
            sent.append(broadcast(one))
            eventually(
                lambda: arrivals() == [1] * 2 * len(sent),
                lambda: f"once to each of two: {arrivals()}",
            )
        save(mesh.servers, BASE)
        assert arrivals() == [1] * 2 * len(sent)


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One of three servers, in sync."""
    with Site(tmp_path_factory.mktemp("lone"), 1, "lone") as site:
        site.start(BASE)
        yield site.servers[0]


def mend(server: Server) -> None:
    """The good file again, whatever is in its place."""
    if server.config.is_dir():
        server.config.rmdir()
    server.write(BASE)


def assert_in_force(server: Server, before: Snapshot) -> None:
    """The last good configuration is: no device and no rule changed."""
    assert_equal(before, snapshot(server))
    assert len(server.status()["overlays"][0]["tunnels"]) == 2


def refused(server: Server, words: tuple[str, ...]) -> bool:
    """Whether the file is, with all these words in one error; a moment before it may be gone."""
    errors = server.status()["config"]["errors"]
    return any(all(word in error for word in words) for error in errors)


@pytest.mark.parametrize("name", BAD)
def test_bad_config_changes_nothing(lone: Server, name: str) -> None:
    """It is told by the log, the status, a metric and ``reload``; mended, it is good again."""
    spoil, words = BAD[name]
    quiet(lone)
    before = snapshot(lone)
    lone.log.write_text("")
    try:
        spoil(lone.config)
        eventually(lambda: refused(lone, words), lambda: f"refused: {lone.status()['config']}")
        errors = lone.status()["config"]["errors"]
        assert [error for error in errors if not error.startswith(str(lone.config))] == []
        logged(lone, "configuration refused, the last good one stays in force: ", *words)
        assert metrics(lone)("vxland_config_last_reload_success") == 0
        answer = lone.vxland("reload")
        told = "".join(f"vxland: {error}\n" for error in errors)
        assert (answer.returncode, answer.stderr) == (1, told)
        assert_in_force(lone, before)
    finally:
        mend(lone)
    eventually(lambda: not lone.status()["config"]["errors"], "the file is good again")
    assert metrics(lone)("vxland_config_last_reload_success") == 1
    assert lone.vxland("reload").returncode == 0
    logged(lone, "is good again")
    quiet(lone)
    assert_in_force(lone, before)


def test_every_error_is_told_at_once(lone: Server) -> None:
    """In the status, and by ``reload`` with a line each."""
    try:
        lone.write(with_peer("a/b", "127.0.0.1") + "disabled = 1\n")
        eventually(lambda: len(lone.status()["config"]["errors"]) == 3, "three errors are told")
        answer = lone.vxland("reload")
        assert len(answer.stderr.splitlines()) == 3
        shown = lone.vxland("status")
        assert "configuration refused, since " in shown.stdout
        assert all(f"  {error}\n" in shown.stdout for error in lone.status()["config"]["errors"])
    finally:
        mend(lone)
    eventually(lambda: not lone.status()["config"]["errors"], "the file is good again")


def change_unseen(server: Server, text: str) -> None:
    """Write to the file through a hard link elsewhere, of which inotify tells nothing here."""
    other = server.config.parent.parent / "other-name"
    other.hardlink_to(server.config)
    other.write_text(text, encoding="utf-8")
    other.unlink()


def test_hangup_reads_the_file(lone: Server) -> None:
    """SIGHUP is enough where nothing else tells that the file has changed."""
    assert lone.daemon is not None
    before = lone.status()["config"]["digest"]
    change_unseen(lone, config(range(1, 5)))
    assert lone.status()["config"]["digest"] == before
    lone.daemon.send_signal(signal.SIGHUP)
    eventually(lambda: lone.link("vxl-lan-lxd4"), "the new peer's tunnel is there")
    hangups = {"trigger": "hangup"}  # counted when the turn is over, a moment after it made a link
    eventually(lambda: metrics(lone)("vxland_reconciliations_total", **hangups) == 1, "it counts")
    save([lone], BASE)


def test_reload_waits_until_it_is_done(lone: Server) -> None:
    """When the command has ended, the new configuration is in force and carried out."""
    change_unseen(lone, config(range(1, 5)))
    done = lone.vxland("reload")
    assert (done.returncode, done.stdout) == (0, "the configuration is in force\n")
    assert lone.link("vxl-lan-lxd4")
    save([lone], BASE)
    assert lone.link("vxl-lan-lxd4") is None
