"""Clients: one that asks as it should, and the wire as it is."""

import contextlib
import http.client
import select
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

TIMEOUT = 20.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def ask(
    port: int,
    path: str = "/healthz",
    method: str = "GET",
    *,
    tls: ssl.SSLContext | None = None,
    **headers: str,
) -> Answer:
    """One request on a connection of its own. Names of headers: Accept_Encoding."""
    if tls is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    else:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT, context=tls)
    with contextlib.closing(connection):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        return received(connection)


def received(connection: http.client.HTTPConnection) -> Answer:
    """The answer to what was asked."""
    with connection.getresponse() as response:
        return Answer(response.status, response.msg, response.read())


@contextlib.contextmanager
def wire(port: int, sent: bytes = b"") -> Iterator[socket.socket]:
    """A connection, and what is sent at once."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as opened:
        opened.sendall(sent)
        yield opened


def rest(opened: socket.socket) -> bytes:
    """All that still comes until the other end closes."""
    got = b""
    with contextlib.suppress(ConnectionResetError):
        while part := opened.recv(1 << 16):
            got += part
    return got


def is_open(opened: socket.socket) -> bool:
    """Whether the other end hasn't closed it. What it has sent is left."""
    if not select.select([opened], [], [], 0)[0]:
        return True
    try:
        return opened.recv(1, socket.MSG_PEEK) != b""
    except ConnectionResetError:
        return False
