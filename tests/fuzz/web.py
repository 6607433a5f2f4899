"""HTTP as bytes: the daemon's own answers, over a pair of sockets in place of the network."""

import asyncio
import atexit
import logging
import socket
from functools import cache

from tornado.iostream import IOStream

from tests.http.site import Stage
from vxland.http.acceptor import BUFFER, CHUNK
from vxland.http.answers import application
from vxland.http.connections import Connections
from vxland.http.faults import quieten
from vxland.http.serve import _exception
from vxland.http.workshop import Workshop

PATIENCE = 10.0  # seconds, of something that takes a moment
SOUND = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Told(logging.Handler):
    """What is logged as a fault is raised once more, later."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


class Desk:
    """Where all of it is answered, one wish after the other; made once, for speed."""

    def __init__(self) -> None:
        quieten()
        self._runner = asyncio.Runner()
        self._runner.run(self._open())
        self.told = Told()
        logging.getLogger("vxland").addHandler(self.told)
        atexit.register(self._close)

    async def _open(self) -> None:
        asyncio.get_running_loop().set_exception_handler(_exception)
        self._workshop = Workshop()
        self._connections = Connections(application(Stage().site(), self._workshop, loopback=True))

    def _close(self) -> None:
        self._workshop.close()
        self._runner.close()

    def answer(self, sent: bytes) -> bytes:
        """All that comes back until it is hung up."""
        return self._runner.run(self._answer(sent))

    async def _answer(self, sent: bytes) -> bytes:
        loop, got = asyncio.get_running_loop(), b""
        ours, theirs = socket.socketpair()
        with ours:
            ours.settimeout(0)
            stream = IOStream(theirs, max_buffer_size=BUFFER, read_chunk_size=CHUNK)
            self._connections.handle_stream(stream, ("127.0.0.1", 1))
            async with asyncio.timeout(PATIENCE):
                await loop.sock_sendall(ours, sent)
                ours.shutdown(socket.SHUT_WR)
                while part := await loop.sock_recv(ours, 1 << 16):
                    got += part
        return got


@cache
def desk() -> Desk:
    """The one there is."""
    return Desk()


def requests(data: bytes) -> None:
    """What somebody sends to the daemon's HTTP: answered or hung up on, as the next one is."""
    first, second = desk().answer(data), desk().answer(SOUND)
    assert not desk().told.records, desk().told.records[0].exc_text
    assert not first or first.startswith(b"HTTP/1.1 "), first
    assert second.startswith(b"HTTP/1.1 200 OK\r\n"), second
