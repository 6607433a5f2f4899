"""What comes of asking real name servers, good and bad ones."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from tests.lab import Namespace, eventually
from tests.lab.dns import NameServer, name_servers
from tests.names.scripted import Scripted
from vxland.lookup import NameService, ask, query
from vxland.lookup import service as service_module
from vxland.lookup.hosts import Hosts
from vxland.lookup.once import answers
from vxland.lookup.query import HOSTS_TTL, PATIENCE, look_up
from vxland.underlay.names import ASKING, FAMILIES, Answer, Lookup

pytestmark = pytest.mark.kernel

FOUR = frozenset({ip_address("192.0.2.4")})


def asked(name: str) -> Lookup:
    """One lookup."""
    return asyncio.run(look_up(name, Hosts()))


@pytest.fixture
def scripted(namespace: Namespace) -> Iterator[Scripted]:
    del namespace
    with Scripted() as server:
        yield server


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("four.mesh.test", Lookup(FOUR, ttl=60.0)),
        ("four", Lookup(FOUR, ttl=60.0)),
        ("four.mesh.test.", Lookup(FOUR, ttl=60.0)),
        ("alias.mesh.test", Lookup(FOUR, ttl=7.0)),
        ("half.mesh.test", Lookup(FOUR, frozenset({6}), 60.0)),
        ("broken.mesh.test", Lookup(FOUR, frozenset({6}), 60.0)),
    ],
)
def test_good_answers(scripted: Scripted, name: str, expected: Lookup) -> None:
    """The TTL is the least on the way; who says nothing of IPv6 hasn't said that there is none."""
    del scripted
    assert asked(name) == expected


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("servfail.mesh.test", "no name server would answer (127.0.0.1: SERVFAIL)"),
        ("refused.mesh.test", "no name server would answer (127.0.0.1: REFUSED)"),
        ("nix.mesh.test", "there is no such name (NXDOMAIN)"),
        ("garbage.mesh.test", f"no answer from 127.0.0.1 within {PATIENCE:.0f} s"),
        ("own.mesh.test", "it is 127.0.1.1, where no other server can be reached"),
    ],
)
def test_answers_that_are_none(scripted: Scripted, name: str, reason: str) -> None:
    """Each with its reason."""
    assert asked(name) == Lookup(unsure=FAMILIES, reason=reason)
    assert scripted.asked


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "/etc/resolv.conf is of no use: no nameservers"),
        ("nameserver none\n", "/etc/resolv.conf is of no use: nameserver none"),
    ],
)
def test_a_resolv_conf_without_servers(namespace: Namespace, text: str, reason: str) -> None:
    """And once it has some, they are asked."""
    del namespace
    with name_servers(text) as file:
        assert asked("four.mesh.test").reason.startswith(reason)
        file.write_text("nameserver 127.0.0.1\n")
        with Scripted():
            assert asked("four.mesh.test").addresses == FOUR


@pytest.mark.parametrize(
    "text",
    [
        "nameserver 127.0.0.2\nnameserver 127.0.0.3\nnameserver 127.0.0.1\n",
        "options timeout:30\nnameserver 127.0.0.2\nnameserver 127.0.0.1\n",
        "options timeout:0\nnameserver 127.0.0.1\n",
        "options timeout:-1\nnameserver 127.0.0.1\n",
    ],
)
def test_servers_that_are_silent_leave_time_for_the_next(scripted: Scripted, text: str) -> None:
    """Whatever is said of a server's time: all get some."""
    with contextlib.ExitStack() as stack:
        for address in ("127.0.0.2", "127.0.0.3"):
            silent = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            silent.bind((address, 53))
        stack.enter_context(name_servers(text))
        assert asked("four.mesh.test").addresses == FOUR
    assert scripted.asked


def test_hosts_come_first(scripted: Scripted) -> None:
    """But not with addresses that nobody else reaches."""
    text = "192.0.2.9 four.mesh.test nine\n127.0.1.1 alias.mesh.test\n"
    with name_servers(text, Path("/etc/hosts")):
        assert asked("nine") == Lookup(frozenset({ip_address("192.0.2.9")}), ttl=HOSTS_TTL)
        assert asked("Four.Mesh.Test.").addresses == {ip_address("192.0.2.9")}
        assert scripted.asked == []
        assert asked("alias.mesh.test").addresses == FOUR


def test_an_answer_that_is_too_long_for_a_datagram(namespace: Namespace, tmp_path: Path) -> None:
    """It comes by TCP."""
    many = {f"192.0.2.{n}" for n in range(1, 201)}
    with NameServer(namespace, tmp_path, {"many": " ".join(many)}):
        assert {str(a) for a in asked("many.mesh.test").addresses} == many


def test_a_command_waits_for_a_while(scripted: Scripted) -> None:
    """For all names at once; it goes on with those that came."""
    found = answers(frozenset({"four.mesh.test", "half.mesh.test", "garbage.mesh.test"}), 1.0)
    assert found["four.mesh.test"] == Answer(FOUR, frozenset(), "")
    assert found["garbage.mesh.test"] == Answer(reason="no answer within 1 s")
    assert ask(frozenset()) == {}
    assert scripted.asked


@pytest.mark.parametrize(("count", "delay", "shortest"), [(1000, 0.0, 9.9), (200, 0.2, 4.9)])
def test_many_names_come_a_few_at_a_time(
    namespace: Namespace, count: int, delay: float, shortest: float
) -> None:
    """The server isn't asked for more than eight at once, nor for more than a hundred a second."""
    del namespace
    names = frozenset(f"n{n}.mesh.test" for n in range(count))
    with Scripted(delay) as server:
        service = NameService(lambda: None)
        started = time.monotonic()
        try:
            service.answers(names)
            eventually(
                lambda: all(answer.addresses for answer in service.answers(names).values()),
                "all have answers",
                patience=90,
                pause=0.2,
            )
            assert time.monotonic() - started >= shortest
        finally:
            service.close()
    assert server.most <= 16  # A and AAAA


def test_a_machine_without_threads_ends_nobodys_loop(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next turn tries again."""
    del scripted

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    service = NameService(lambda: None)
    names = frozenset({"four.mesh.test"})
    try:
        with monkeypatch.context() as without:
            without.setattr(threading.Thread, "start", refuse)
            assert service.answers(names)["four.mesh.test"].addresses == frozenset()
        eventually(lambda: service.answers(names)["four.mesh.test"].addresses == FOUR, "an answer")
    finally:
        service.close()


def test_a_fault_of_its_own_is_logged_once(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It tries again and again, and answers once it can."""
    del scripted
    tries: list[float] = []

    def broken() -> Hosts:
        tries.append(time.monotonic())
        raise ValueError("a fault of ours")

    monkeypatch.setattr(service_module, "PAUSE", 0.01)
    service = NameService(lambda: None)
    names = frozenset({"four.mesh.test"})
    try:
        with monkeypatch.context() as without:
            without.setattr(service_module, "Hosts", broken)
            service.answers(names)
            eventually(lambda: len(tries) > 5, "it tries again")
        eventually(lambda: service.answers(names)["four.mesh.test"].addresses == FOUR, "an answer")
    finally:
        service.close()
    assert [record.getMessage() for record in caplog.records] == ["asking for names failed"]


def test_who_waits_is_told_of_news_alone(scripted: Scripted) -> None:
    """Nothing is asked for that nobody wants; what is known is known at once."""
    rings: list[float] = []
    service = NameService(lambda: rings.append(time.monotonic()))
    names = frozenset({"four.mesh.test"})
    try:
        assert service.answers(frozenset()) == {}
        assert threading.active_count() == 2  # this one and the server's
        assert service.answers(names)["four.mesh.test"].reason == ASKING
        eventually(lambda: rings, "it rings")
        assert service.answers(names)["four.mesh.test"].addresses == FOUR
        questions = len(scripted.asked)
        service.hurry()
        eventually(lambda: len(scripted.asked) > questions + 1, "it asks again")
        assert service.answers(names)["four.mesh.test"].addresses == FOUR
        assert len(rings) == 1
    finally:
        service.close()


def test_who_leaves_doesnt_wait_for_answers(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a thread stay."""
    monkeypatch.setattr(query, "PATIENCE", 1000.0)
    service = NameService(lambda: None)
    service.answers(frozenset({"garbage.mesh.test", "half.mesh.test"}))
    eventually(lambda: len(scripted.asked) >= 4, "they are asked for")
    service.close()
    assert "vxland-names" not in {thread.name for thread in threading.enumerate()}
