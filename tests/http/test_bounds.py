"""How many may ask at once, and how long each may take."""

import contextlib
import errno
import gc
import http.client
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.http.client import TIMEOUT, ask, is_open, received, rest, wire
from tests.http.site import Stage, served
from tests.lab import eventually
from tests.profiles import examples
from vxland.http import connections, workshop

SHORT = 0.3  # seconds, in place of those that nobody wants to wait for
BIG = 8 << 20  # bytes: more than the kernel takes from a server whose client doesn't read
ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
ASK_STATUS = b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
BAD = b"HTTP/1.1 400 Bad Request\r\n\r\n"


@pytest.fixture
def crowded(stage: Stage) -> Iterator[tuple[Stage, list[socket.socket]]]:
    """As many idle connections as may be there at once, the oldest first."""
    with ExitStack() as stack:
        yield stage, [stack.enter_context(wire(stage.port)) for _ in range(connections.MOST)]


def test_who_is_idle_longest_makes_room(crowded: tuple[Stage, list[socket.socket]]) -> None:
    """And nobody else."""
    stage, idle = crowded
    idle[0].sendall(ASK)
    eventually(lambda: idle[0].recv(1 << 16), "the oldest has asked, and is the youngest now")
    assert ask(stage.port).status == 200
    assert [is_open(one) for one in idle] == [True, False] + [True] * (connections.MOST - 2)


def test_who_has_just_come_isnt_sent_away(
    crowded: tuple[Stage, list[socket.socket]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes then waits for one that has had its answer: all get a turn."""
    stage, idle = crowded
    monkeypatch.setattr(connections, "GRACE", 10**9)
    make_room, refused = connections.Connections.make_room, threading.Event()

    def noted(server: connections.Connections) -> bool:
        room = make_room(server)
        if not room:
            refused.set()
        return room

    monkeypatch.setattr(connections.Connections, "make_room", noted)
    with wire(stage.port, ASK) as waiting:
        assert refused.wait(TIMEOUT)
        assert all(is_open(one) for one in idle)
        assert not select.select([waiting], [], [], 0)[0]
        idle[5].sendall(ASK)
        assert rest(idle[5]).startswith(b"HTTP/1.1 200")  # it leaves once it has its answer
        assert waiting.recv(1 << 16).startswith(b"HTTP/1.1 200")
    others = [*idle[:5], *idle[6:]]
    assert all(is_open(one) for one in others)


@pytest.mark.parametrize("sent", [b"", b"G", ASK[:-2], ASK + ASK[:5]])
def test_saying_what_is_wanted_takes_a_while_at_most(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """From the connection on, or from the last answer."""
    monkeypatch.setattr(connections, "ASKING", SHORT)
    monkeypatch.setattr(connections, "IDLE", SHORT)
    began = time.monotonic()  # before the server's clock, so that it holds however slow all is
    with wire(stage.port, sent) as opened:
        rest(opened)
    assert time.monotonic() - began >= SHORT / 2


def test_a_letter_now_and_then_buys_no_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The headers have to be there, not to go on."""
    monkeypatch.setattr(connections, "ASKING", SHORT)

    def dribble() -> bool:
        with contextlib.suppress(OSError):
            opened.send(b"x")
        return not is_open(opened)

    with wire(stage.port, b"GET / HTTP/1.1\r\nX: ") as opened:
        eventually(dribble, "it is ended", pause=SHORT / 10)


def test_a_connection_is_kept_longer_than_it_may_take_to_ask(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prometheus asks once in a while."""
    monkeypatch.setattr(connections, "ASKING", SHORT)
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=20)

    def asked_in_time() -> bool:
        try:
            connection.request("GET", "/healthz")
            return received(connection).status == 200
        except (OSError, http.client.HTTPException):  # this machine stood still
            connection.close()
            return False

    with contextlib.closing(connection):
        eventually(asked_in_time, "it has asked once")
        used = connection.sock
        time.sleep(2 * SHORT)
        connection.request("GET", "/healthz")
        assert (received(connection).status, connection.sock is used) == (200, True)


def test_an_answer_that_isnt_taken_is_cut(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its memory is wanted elsewhere."""
    stage.status = lambda: {"x": "x" * BIG}
    monkeypatch.setattr(connections, "ANSWER", SHORT)
    with wire(stage.port, ASK_STATUS) as opened:
        time.sleep(4 * SHORT)
        assert len(rest(opened)) < BIG


def test_who_doesnt_take_its_answer_makes_room_for_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a few who don't read keep nobody out."""
    monkeypatch.setattr(workshop, "GRACE", SHORT)
    stage.status = lambda: {"x": "x" * BIG}
    with ExitStack() as stack:
        slow = [stack.enter_context(wire(stage.port, ASK_STATUS)) for _ in range(workshop.MOST)]
        for one in slow:
            eventually(lambda one=one: one.recv(1), "its answer begins")  # type: ignore[misc]
        time.sleep(2 * SHORT)
        assert ask(stage.port, "/metrics").status == 200
        lengths = [len(rest(one)) for one in slow]
    assert sorted(length > BIG for length in lengths) == [False] + [True] * (workshop.MOST - 1)


def test_who_waits_too_long_is_refused(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told when to ask again; nothing else suffers."""
    monkeypatch.setattr(workshop, "PATIENCE", SHORT)
    free, begun = threading.Event(), threading.Event()

    def slow() -> dict[str, bool]:
        begun.set()
        return {"free": free.wait(20)}

    stage.status = slow
    with ExitStack() as stack:
        waiting = [stack.enter_context(wire(stage.port, ASK_STATUS)) for _ in range(workshop.MOST)]
        assert begun.wait(20)
        answer = ask(stage.port, "/metrics")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert ask(stage.port).status == 200
        free.set()
        for one in waiting:
            assert one.recv(1 << 16).startswith(b"HTTP/1.1 200")
    assert ask(stage.port, "/metrics").status == 200


def test_answers_are_made_in_turn(stage: Stage) -> None:
    """So nobody who asks often keeps another out."""
    free, begun = threading.Event(), threading.Event()
    turns: list[str] = []

    def slow(turn: str) -> dict[str, bool]:
        turns.append(turn)
        begun.set()
        return {"free": free.wait(20)}

    stage.status = lambda: slow("often")
    stage.events = lambda: slow("once")
    often = ASK_STATUS.replace(b"Connection: close\r\n", b"") * 50
    with ExitStack() as stack:
        greedy = [stack.enter_context(wire(stage.port, often)) for _ in range(2 * workshop.MOST)]
        assert begun.wait(20)
        assert ask(stage.port).status == 200
        once = stack.enter_context(wire(stage.port, ASK_STATUS.replace(b"status", b"events")))
        assert ask(stage.port).status == 200  # so all of them are waiting
        free.set()
        assert once.recv(1 << 16).startswith(b"HTTP/1.1 200")
        assert turns.index("once") <= len(greedy)


def test_who_leaves_gives_its_place_back(stage: Stage) -> None:
    """Before and after its answer was made."""
    free = threading.Event()
    stage.status = lambda: {"free": free.wait(20)}
    for _ in range(2 * workshop.MOST):
        with wire(stage.port, ASK_STATUS):
            pass
    free.set()
    eventually(lambda: ask(stage.port, "/metrics").status == 200, "there is room again")


@pytest.mark.parametrize(
    "sent",
    [
        ASK[:-2] + b"X: " + b"x" * connections.LONGEST_HEADERS + b"\r\n\r\n",
        b"GET /" + b"x" * connections.LONGEST_HEADERS + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        ASK[:-2] + b"".join(b"X%d: x\r\n" % n for n in range(3000)) + b"\r\n",
    ],
)
def test_long_headers_end_the_connection(stage: Stage, sent: bytes) -> None:
    """Nobody needs them."""
    with wire(stage.port) as opened:
        with contextlib.suppress(OSError):
            opened.sendall(sent)
        assert rest(opened) in (b"", BAD)
    assert ask(stage.port, X="x" * (connections.LONGEST_HEADERS - 1000)).status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /\r\n\r\n",  # HTTP/0.9, which has an end for once
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",  # without Host
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # TLS, where there is none
        b"\0" * 4096 + b"\r\n\r\n",
    ],
)
def test_what_isnt_understood_is_refused(
    stage: Stage, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection ends, and nothing is logged."""
    with wire(stage.port, sent) as opened:
        assert rest(opened).partition(b"\r\n")[0] in (b"HTTP/1.1 400 Bad Request", b"")
    assert caplog.records == []


garbage = st.one_of(
    st.binary(max_size=400),
    st.lists(
        st.sampled_from(
            (
                *(
                    b"GET",
                    b" ",
                    b"/",
                    b"HTTP/1.1",
                    b"\r\n",
                    b"\n",
                    b":",
                    b"Host",
                    b"localhost",
                    b"\0",
                ),
                *(b"Content-Length: 5", b"Transfer-Encoding: chunked", b"%zz", b"?a=\xff", b"5"),
            )
        ),
        max_size=30,
    ).map(b"".join),
)


def test_garbage_makes_neither_noise_nor_silence(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever comes, the next one is answered, and nothing is logged."""
    stage = Stage()
    with served(stage):

        @examples(100)
        @given(garbage)
        def _thrown(sent: bytes) -> None:
            with wire(stage.port, sent + b"\r\n\r\n") as opened:
                opened.shutdown(socket.SHUT_WR)
                rest(opened)
            assert ask(stage.port).status == 200
            assert caplog.records == []

        _thrown()


def test_what_couldnt_be_sent_isnt_kept(stage: Stage) -> None:
    """Not even until Python looks for what nobody uses, which may take long."""
    gc.collect()
    gc.disable()
    try:
        stage.status = lambda: {"x": "x" * BIG}
        for _ in range(3):  # it leaves while the second answer is being sent
            with wire(stage.port, ASK_STATUS.replace(b"Connection: close\r\n", b"") * 3) as one:
                one.recv(1)
        eventually(lambda: ask(stage.port, "/metrics").status == 200, "all are over")
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        kept = [
            value
            for left in gc.garbage
            for value in gc.get_referents(left)
            if isinstance(value, bytes) and len(value) > BIG
        ]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert len(kept) == 0


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
def test_without_descriptors_it_waits(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """It looks again a few times a second, and doesn't turn in circles."""
    tried: list[float] = []
    lacking = threading.Event()
    lacking.set()
    accept: Callable[[socket.socket], object] = socket.socket.accept

    def accepted(listener: socket.socket) -> object:
        if lacking.is_set():
            tried.append(time.monotonic())
            raise OSError(number, "none are left")
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", accepted)
    stage = Stage()
    with served(stage), wire(stage.port, ASK) as waiting:
        eventually(lambda: len(tried) >= 4, "it tries")
        assert min(b - a for a, b in pairwise(tried)) > 0.01
        lacking.clear()
        assert waiting.recv(1 << 16).startswith(b"HTTP/1.1 200")
