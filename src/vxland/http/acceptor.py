"""Who comes in: one at a time, and only while there is room."""

import socket
import ssl

from tornado.ioloop import IOLoop
from tornado.iostream import IOStream, SSLIOStream

from vxland.http.connections import Connections
from vxland.http.tls import Certificates

PAUSE = 0.02  # seconds until the next look, where there is no room or no descriptor
BUFFER = 64 << 10  # bytes that are read ahead of one that asks
CHUNK = 8 << 10  # bytes that are read at a time


class Acceptor:
    """Takes connections from the listening socket.

    tornado's own would take all it can, and turn in circles where descriptors run out.
    """

    def __init__(
        self,
        loop: IOLoop,
        listener: socket.socket,
        certificates: Certificates | None,
        connections: Connections,
    ) -> None:
        self._loop = loop
        self._listener = listener
        self._certificates = certificates
        self._connections = connections
        self._waiting: object | None = None  # to open again

    def open(self) -> None:
        """Let them in."""
        self._waiting = None
        self._loop.add_handler(self._listener, self._knock, IOLoop.READ)

    def close(self) -> None:
        """Let nobody in any more."""
        if self._waiting:
            self._loop.remove_timeout(self._waiting)
        else:
            self._loop.remove_handler(self._listener)

    def _pause(self) -> None:
        """The kernel holds who comes meanwhile."""
        self._loop.remove_handler(self._listener)
        self._waiting = self._loop.call_later(PAUSE, self.open)

    def _knock(self, *_: object) -> None:
        if not self._connections.make_room():
            self._pause()
            return
        try:
            connection, address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError:  # no descriptors, or no memory
            self._connections.send_away()
            self._pause()
            return
        try:
            stream = self._stream(connection)
        except OSError:  # it has gone already
            connection.close()
            return
        self._connections.handle_stream(stream, address)

    def _stream(self, connection: socket.socket) -> IOStream:
        if self._certificates is None:
            return IOStream(connection, max_buffer_size=BUFFER, read_chunk_size=CHUNK)
        context: ssl.SSLContext = self._certificates.context
        wrapped = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return SSLIOStream(
            wrapped, ssl_options=context, max_buffer_size=BUFFER, read_chunk_size=CHUNK
        )
