"""Who has gone: nothing more is done for it, and it stands in nobody's way."""

import socket
import struct
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from tests.http.client import TIMEOUT, ask, wire
from tests.http.site import Stage, served
from tests.lab import eventually
from vxland.http import connections, workshop
from vxland.status.shape import Json

RESET = struct.pack("ii", 1, 0)  # struct linger (socket(7)): closing tells the other end at once
ASK = b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n"
MANY = 50


@dataclass
class Slow:
    """An answer that takes until it is let go."""

    begun: threading.Event = field(default_factory=threading.Event)
    free: threading.Event = field(default_factory=threading.Event)
    made: int = 0

    def __call__(self) -> Json:
        self.made += 1
        self.begun.set()
        return {"free": self.free.wait(TIMEOUT)}


def test_what_it_had_said_before_isnt_answered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much that was."""
    stage.status = slow = Slow()
    over = threading.Event()
    on_close = connections.Connections.on_close

    def noted(server: connections.Connections, connection: object) -> None:
        on_close(server, connection)
        over.set()

    monkeypatch.setattr(connections.Connections, "on_close", noted)
    with wire(stage.port, ASK * MANY) as one:
        assert slow.begun.wait(TIMEOUT)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    slow.free.set()
    assert over.wait(TIMEOUT)
    assert slow.made <= 2  # the second one's reading may be what tells that it has gone
    assert ask(stage.port, "/api/v1/status").status == 200


def test_it_waits_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """So no more wait than are connected, and nobody's turn comes later for it."""
    monkeypatch.setattr(workshop, "PATIENCE", 10**6)
    shops: list[workshop.Workshop] = []

    class Seen(workshop.Workshop):
        def __init__(self) -> None:
            super().__init__()
            shops.append(self)

    monkeypatch.setattr("vxland.http.serve.Workshop", Seen)
    stage = Stage()
    stage.status = slow = Slow()
    with served(stage), ExitStack() as stack:
        for _ in range(workshop.MOST):  # all places are taken
            stack.enter_context(wire(stage.port, ASK))
        assert slow.begun.wait(TIMEOUT)
        with ExitStack() as leaving:
            for _ in range(MANY):
                leaving.enter_context(wire(stage.port, ASK))
            eventually(lambda: shops[0]._waiting == MANY, "they wait")
        eventually(lambda: shops[0]._waiting == 0, "none of them waits")
        slow.free.set()
        assert ask(stage.port, "/metrics").status == 200
