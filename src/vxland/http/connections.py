"""Who is connected: how many at most, and for how long each may take."""

import asyncio
from collections.abc import Awaitable
from typing import cast

from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream
from tornado.web import Application

MOST = 100  # connections at a time
GRACE = 1.0  # seconds that nobody is sent away in, so that who asks at once is heard
ASKING = 10.0  # seconds for a new one to say what it wants, its TLS handshake included
IDLE = 90.0  # seconds for it to ask again: Prometheus asks once a minute
ANSWER = 30.0  # seconds to be answered, and to take the answer
LONGEST_HEADERS = 16 << 10  # bytes


class Connection:
    """One connection."""

    def __init__(self, stream: IOStream) -> None:
        self.stream = stream
        self._loop = asyncio.get_running_loop()
        self.asked = False
        self._timer: asyncio.TimerHandle | None = None
        self.rest()

    def rest(self) -> None:
        """Nothing is asked at the moment."""
        self.idle_since: float | None = self._loop.time()
        self._within(IDLE if self.asked else ASKING)

    def ask(self) -> None:
        """Something was asked."""
        self.asked = True
        self.idle_since = None
        self._within(ANSWER)

    def leave(self) -> None:
        """It has gone."""
        if self._timer:
            self._timer.cancel()

    def _within(self, seconds: float) -> None:
        self.leave()
        if not self.stream.closed():
            self._timer = self._loop.call_later(seconds, self.stream.close)


class Connections(HTTPServer):
    """All connections."""

    def initialize(self, answers: Application) -> None:  # type: ignore[override]
        """As tornado has it, in place of ``__init__``."""
        super().initialize(
            answers,
            max_header_size=LONGEST_HEADERS,
            max_body_size=0,  # nothing here takes one
            idle_connection_timeout=IDLE,
            body_timeout=ASKING,
        )
        self._open: dict[IOStream, Connection] = {}
        self._crowded = False  # somebody waits to be let in

    def make_room(self) -> bool:
        """Whether there is a place; if need be that of the one that was idle longest.

        Where there is none, the next one that has its answer leaves, so that all get a turn.
        """
        self._crowded = len(self._open) >= MOST and not self.send_away()
        return not self._crowded

    def send_away(self) -> bool:
        """End the connection that was idle longest; False where none was long enough."""
        late = asyncio.get_running_loop().time() - GRACE
        idle = [one for one in self._open.values() if one.idle_since is not None]
        longest = min(idle, key=lambda one: cast("float", one.idle_since), default=None)
        if longest is None or cast("float", longest.idle_since) > late:
            return False
        longest.leave()
        del self._open[longest.stream]
        longest.stream.close()
        return True

    def handle_stream(self, stream: IOStream, address: tuple[object, ...]) -> None:
        """One more."""
        self._open[stream] = Connection(stream)
        super().handle_stream(stream, address)

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        """tornado begins to wait for what it asks, or asks next."""
        request = super().start_request(server_conn, request_conn)
        connection = self._open[cast("HTTP1ServerConnection", server_conn).stream]
        connection.rest()
        if self._crowded and connection.asked:
            self._crowded = False
            connection.stream.close()
        return _Request(connection, request, cast("HTTP1Connection", request_conn))

    def on_close(self, server_conn: object) -> None:
        """It is gone."""
        stream = cast("HTTP1ServerConnection", server_conn).stream
        if connection := self._open.pop(stream, None):
            connection.leave()
        if stream.error:  # its traceback has the answer that couldn't be sent
            stream.error.with_traceback(None)
        super().on_close(server_conn)


class _Request(HTTPMessageDelegate):
    """Notes that something was asked; all else goes on to the application."""

    def __init__(
        self, connection: Connection, inner: HTTPMessageDelegate, asked_by: HTTP1Connection
    ) -> None:
        self._connection = connection
        self._inner = inner
        self._asked_by = asked_by

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        if self._connection.stream.closed():
            # It said this before it went, and may have said a thousand more: tornado would have
            # an answer made for each. So there is nothing more to be read.
            self._asked_by.detach()
            return None
        self._connection.ask()
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._inner.data_received(chunk)

    def finish(self) -> None:
        self._inner.finish()

    def on_connection_close(self) -> None:
        self._inner.on_connection_close()
