"""Bad circumstances: systemctl status and the journal name the cause and the cure."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import eventually
from tests.lab.site import HEAD, config
from tests.package.build import built
from tests.system.installed import CONFIG, install, settled
from tests.system.machine import Machine
from tests.system.service import DROP_IN, logged, shown, starts, status, status_line
from tests.system.site import Site

pytestmark = [pytest.mark.system, pytest.mark.timeout(300, func_only=True)]

GOOD = config([1, 2], HEAD + 'guard = ["isolated", "ebtables"]\n')
BAD = GOOD.replace('name = "lan"', 'name = "lan"\nbrige = "vxbr0"')
WRONG = f"{CONFIG}:6: overlay[0].brige (lan): is not a known key"
NO_RIGHTS = "[Service]\nCapabilityBoundingSet=\nAmbientCapabilities=\n"
LIMIT = 10  # the unit's StartLimitBurst=
BAD_CONFIG = "78"


@pytest.fixture(scope="module")
def hosts(release: str, root: Path) -> Iterator[list[Machine]]:
    """Two machines; the second one is kept from starting the service since a while."""
    with Site(root, 2) as site:
        for host in reversed(site.machines):
            install(host, built(release))
            host.write(CONFIG, GOOD)
            if host is site.machines[1]:
                host.write(DROP_IN, NO_RIGHTS)
                host.run("systemctl daemon-reload; systemctl start --no-block vxland")
        yield site.machines


@pytest.fixture
def host(hosts: list[Machine]) -> Machine:
    """The first one with a good configuration in force, whatever was done to it before."""
    host = hosts[0]
    host.write(CONFIG, GOOD)
    host.run("systemctl reset-failed; systemctl restart vxland")
    settled(host)
    return host


@contextlib.contextmanager
def held(host: Machine, socket: str) -> Iterator[None]:
    """Another program has a port."""
    host.run(f"systemd-run --quiet --unit=holder --socket-property={socket} true")
    try:
        yield
    finally:
        host.run("systemctl stop holder.socket")


def told(host: Machine, *words: str) -> None:
    """Both places say it, and the daemon goes on."""
    assert shown(host, "ActiveState") == "active"
    for text in (status_line(host), "\n".join(logged(host))):
        assert [word for word in words if word not in text] == [], text


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (f'sed -i \'/^name = "lan/a brige = "vxbr0"\' {CONFIG}', (WRONG,)),
        (f"echo '[[overlay' >>{CONFIG}", (f"{CONFIG}:",)),
        (
            f"chmod 600 {CONFIG}",
            (f"{CONFIG}: can't be read: Permission denied", f"chgrp vxland {CONFIG} && chmod 640"),
        ),
        (f"rm {CONFIG}", (f"{CONFIG}: can't be read: No such file", "Make it, or name another")),
    ],
    ids=["unknown key", "no TOML", "for root alone", "missing"],
)
def test_bad_configuration_fails_the_start_once(
    host: Machine, spoil: str, words: tuple[str, ...]
) -> None:
    host.run(f"systemctl stop vxland; {spoil}")
    before = starts(host), len(logged(host))
    assert host.attempt("systemctl start vxland").returncode == 1
    assert shown(host, "ExecMainStatus") == BAD_CONFIG
    assert shown(host, "SubState") == "failed"  # and not auto-restart
    assert shown(host, "NRestarts") == "0"
    assert starts(host) == before[0] + 1
    person = status(host)
    said = "\n".join(logged(host)[before[1] :])
    for text in (person, status_line(host), said):
        assert [word for word in words if word not in text] == [], text
    assert "Traceback" not in said


def test_bad_configuration_later_is_refused_and_the_last_good_one_stays(host: Machine) -> None:
    process = shown(host, "MainPID")
    host.write(CONFIG, BAD)
    assert host.attempt("systemctl reload vxland").returncode == 1
    told(host, "refused", "the last good one", WRONG)
    assert WRONG in status(host)
    host.run("ip link delete vxl-lan-lxd2")
    eventually(lambda: host.attempt("ip link show vxl-lan-lxd2").returncode == 0, "it is repaired")
    host.write(CONFIG, GOOD)
    host.run("systemctl reload vxland")
    assert "refused" not in status_line(host)
    assert f"configuration {CONFIG} is good again" in logged(host)
    assert (shown(host, "MainPID"), shown(host, "ActiveState")) == (process, "active")


def test_configuration_that_becomes_unreadable_is_told_and_the_cure_works(host: Machine) -> None:
    host.run(f"chmod 600 {CONFIG}")
    assert host.attempt("systemctl reload vxland").returncode == 1
    cure = f"chgrp vxland {CONFIG} && chmod 640 {CONFIG}"
    told(host, f"{CONFIG}: can't be read: Permission denied", cure)
    host.run(cure)
    host.run("systemctl reload vxland")
    assert "refused" not in status_line(host)


def test_udp_port_of_somebody_else_is_told_and_tried_again(host: Machine) -> None:
    host.run("systemctl stop vxland; vxland down")
    with held(host, "ListenDatagram=0.0.0.0:4789"):
        host.run("systemctl start vxland")
        told(host, "vxl-lan-lxd2", "UDP port 4789 is held by", "Stop what holds the port")
    host.run("systemctl reload vxland")
    settled(host)
    assert "4789" not in status_line(host)


def test_http_port_of_somebody_else_is_told_and_tried_again(host: Machine) -> None:
    host.run("systemctl stop vxland")
    with held(host, "ListenStream=127.0.0.1:9788"):
        host.run("systemctl start vxland")
        told(host, "no metrics", "127.0.0.1 port 9788: Address already in use", "listen in [http]")
        settled(host)  # all else is as wanted
    host.run("systemctl reload vxland")
    eventually(lambda: "no metrics" not in status_line(host), "there are metrics again")


def test_missing_ebtables_is_told_and_no_tunnel_is_without_its_guard(host: Machine) -> None:
    host.run("systemctl stop vxland; vxland down")
    host.run("mkdir /root/away; mv /usr/sbin/ebtables* /root/away")
    try:
        host.run("systemctl start vxland")
        told(host, "overlay lan wants the guard ebtables", "isn't installed", "apt install")
        assert host.run("ip -br link show up type vxlan") == ""
    finally:
        host.run("mv /root/away/* /usr/sbin; rmdir /root/away")
    host.run("systemctl reload vxland")
    settled(host)
    assert "VXLAND" in host.run("ebtables -L")


def test_missing_right_is_told_and_starts_come_to_an_end(hosts: list[Machine]) -> None:
    """It was started when these tests began: that is some twenty seconds."""
    host = hosts[1]
    eventually(lambda: shown(host, "ActiveState") == "failed", "systemd gives up", patience=60)
    assert starts(host) == LIMIT
    assert shown(host, "NRestarts") == str(LIMIT)
    words = ("CAP_NET_ADMIN", "AmbientCapabilities=CAP_NET_ADMIN")
    for text in (status(host), status_line(host), "\n".join(logged(host))):
        assert [word for word in words if word not in text] == [], text
    host.run(f"rm {DROP_IN}; systemctl daemon-reload; systemctl reset-failed vxland")
    host.run("systemctl start vxland")
    settled(host)
