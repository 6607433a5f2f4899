"""The daemon's socket for the command line: a line of JSON in, a line of JSON out.

Anyone may ask for the status; only root and the daemon's own user may ask for a reload.
"""

import contextlib
import json
import os
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vxland.faults import Faults
from vxland.lock import folder, open_folder

NAME = "control.sock"
READ_TIMEOUT = 5.0  # seconds for a client to say what it wants, and to take the answer
MOST_CLIENTS = 32  # at a time, of those that aren't trusted: threads and descriptors are few
ANSWER_TIMEOUT = 60.0  # seconds for the daemon to answer
LONGEST_REQUEST = 4096  # bytes
LONGEST_ANSWER = 64 << 20  # bytes: the status of 1,000 tunnels takes less than one of them
FULL = "too many are asking the daemon. Ask again, or as root"
SEE = "See what it does: systemctl status vxland"
FOR_ALL = 0o111  # the umask that leaves a socket open to everybody
UCRED = struct.Struct("=iII")  # struct ucred: pid, uid, gid (unix(7), SO_PEERCRED)

Json = dict[str, Any]
Answers = dict[str, Callable[[], Json]]


class NotRunning(Exception):  # noqa: N818 - a state, not a fault
    """No daemon answers in this network namespace."""


class Control:
    """Serves the socket, one short-lived thread a client."""

    def __init__(self, answers: Answers, privileged: frozenset[str] = frozenset()) -> None:
        self._folder = open_folder()  # by which alone it is reached from here: see lock.py
        self._unlink()
        umask = os.umask(FOR_ALL)  # with no moment in between, as chmod would have
        try:
            self._server = _Server(f"/proc/self/fd/{self._folder}/{NAME}", _Client)
        finally:
            os.umask(umask)
        self._server.answers = answers
        self._server.privileged = privileged
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End, and take the socket away."""
        self._server.shutdown()
        self._server.server_close()
        self._unlink()
        os.close(self._folder)

    def _unlink(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(NAME, dir_fd=self._folder)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 128  # who finds no place there isn't even told that there are too many
    answers: Answers
    privileged: frozenset[str]

    def server_activate(self) -> None:
        super().server_activate()
        self._room = threading.BoundedSemaphore(MOST_CLIENTS)
        self._faults = Faults("the control socket couldn't answer")

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ANN401 - its own
        """Whether there is room for this one; else it is told so."""
        del client_address
        if is_trusted(request) or self._room.acquire(blocking=False):
            return True
        with contextlib.suppress(OSError):  # it has gone; to wait there is nothing, so short it is
            request.sendall(json.dumps({"error": FULL}).encode() + b"\n")
        return False

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Start a thread for it. Where there can't be one, its place is free again."""
        try:
            super().process_request(request, client_address)
        except Exception:
            if not is_trusted(request):
                self._room.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Answer it, in that thread."""
        trusted = is_trusted(request)  # it can't be asked once it is closed
        try:
            super().process_request_thread(request, client_address)
        finally:
            if not trusted:
                self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401
        """Log a fault of ours once: whoever can cause it could fill the journal with it."""
        del request, client_address
        self._faults.log(sys.exc_info()[1])


def is_trusted(client: socket.socket) -> bool:
    """Whether it is root or the daemon's own user (unix(7), SO_PEERCRED)."""
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
    return UCRED.unpack(credentials)[1] in (0, os.geteuid())


class _Client(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # a client that went away, or said nothing in time
            answer = self._answer(self._line())
            self.request.settimeout(READ_TIMEOUT)
            self.request.sendall(json.dumps(answer).encode() + b"\n")

    def _line(self) -> bytes:
        """What it asks. One byte now and then doesn't buy more time. Raises TimeoutError."""
        end = time.monotonic() + READ_TIMEOUT
        line = b""
        while b"\n" not in line and len(line) < LONGEST_REQUEST:
            self.request.settimeout(max(0.001, end - time.monotonic()))
            part = self.request.recv(LONGEST_REQUEST - len(line))
            if not part or time.monotonic() > end:
                break
            line += part
        return line.partition(b"\n")[0]

    def _answer(self, line: bytes) -> Json:
        try:
            wish = json.loads(line)["do"]
            answer = self.server.answers[wish]
        except (ValueError, KeyError, TypeError, RecursionError):
            return {"error": "that request isn't understood"}
        if wish in self.server.privileged and not is_trusted(self.request):
            return {"error": f"only root or the daemon's own user may ask for a {wish}"}
        return answer()


def ask(wish: str, path: Path | None = None) -> Json:
    """The answer of this namespace's daemon. Raises NotRunning, or OSError where it is silent."""
    path = path or folder() / NAME
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(ANSWER_TIMEOUT)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            raise NotRunning from None
        with contextlib.suppress(BrokenPipeError):  # told already that it is too many
            client.sendall(json.dumps({"do": wish}).encode() + b"\n")
        try:
            with client.makefile("rb") as answer:
                line = answer.readline(LONGEST_ANSWER)
        except TimeoutError:
            message = f"the daemon doesn't answer within {ANSWER_TIMEOUT:.0f} s. {SEE}"
            raise TimeoutError(message) from None
        except ConnectionResetError:
            raise NotRunning from None
    if not line:
        raise NotRunning
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError):
        raise OSError(f"{path} doesn't answer as vxland does. {SEE}") from None
