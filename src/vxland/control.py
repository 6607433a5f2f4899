"""The daemon's socket for the command line: a line of JSON in, a line of JSON out.

Anyone may ask for the status; only root and the daemon's own user may ask for a reload.
"""

import contextlib
import json
import os
import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vxland.lock import folder, make_folder

NAME = "control.sock"
READ_TIMEOUT = 5.0  # seconds for a client to say what it wants
ANSWER_TIMEOUT = 60.0  # seconds for the daemon to answer
LONGEST_REQUEST = 4096  # bytes
UCRED = struct.Struct("=iII")  # struct ucred: pid, uid, gid (unix(7), SO_PEERCRED)

Json = dict[str, Any]
Answers = dict[str, Callable[[], Json]]


class NotRunning(Exception):  # noqa: N818 - a state, not a fault
    """No daemon answers in this network namespace."""


class Control:
    """Serves the socket, one short-lived thread a client."""

    def __init__(self, answers: Answers, privileged: frozenset[str] = frozenset()) -> None:
        self._path = make_folder() / NAME
        self._path.unlink(missing_ok=True)
        self._server = _Server(str(self._path), _Client)
        self._server.answers = answers
        self._server.privileged = privileged
        self._path.chmod(0o666)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End, and take the socket away."""
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    answers: Answers
    privileged: frozenset[str]


class _Client(socketserver.StreamRequestHandler):
    timeout = READ_TIMEOUT
    server: _Server

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # a client that went away, or said nothing in time
            answer = self._answer(self.rfile.readline(LONGEST_REQUEST))
            self.wfile.write(json.dumps(answer).encode() + b"\n")

    def _answer(self, line: bytes) -> Json:
        try:
            wish = json.loads(line)["do"]
            answer = self.server.answers[wish]
        except (ValueError, KeyError, TypeError):
            return {"error": "that request isn't understood"}
        if wish in self.server.privileged and not self._may():
            return {"error": f"only root or the daemon's own user may ask for a {wish}"}
        return answer()

    def _may(self) -> bool:
        credentials = self.request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
        return UCRED.unpack(credentials)[1] in (0, os.geteuid())


def ask(wish: str, path: Path | None = None) -> Json:
    """The answer of this namespace's daemon. Raises NotRunning, or OSError where it is silent."""
    path = path or folder() / NAME
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(ANSWER_TIMEOUT)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            raise NotRunning from None
        client.sendall(json.dumps({"do": wish}).encode() + b"\n")
        with client.makefile("rb") as answer:
            line = answer.readline()
    if not line:
        raise NotRunning
    return dict(json.loads(line))
