"""The command line's side of the daemon's socket."""

import contextlib
import json
import socket
from pathlib import Path

from vxland.control import ANSWER_TIMEOUT, HEARD, NAME, Json
from vxland.process.lock import folder

HEARING = 5.0  # seconds for the daemon to take notice; one that is hard at work does, too
LONGEST_ANSWER = 64 << 20  # bytes: the status of 1,000 tunnels takes less than one of them
SEE = "See what it does: systemctl status vxland"


class NotRunning(Exception):
    """No daemon answers in this network namespace."""

    daemon = "not running"  # as the status has it


class Silent(TimeoutError):
    """There is a daemon, and it doesn't answer: it is stopped, or hangs."""

    daemon = "silent"

    def __init__(self, why: str) -> None:
        super().__init__(f"the daemon doesn't answer{why}. {SEE}")


def ask(wish: str, path: Path | None = None) -> Json:
    """The answer of this namespace's daemon. Raises NotRunning, Silent, OSError."""
    path = path or folder() / NAME
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(HEARING)
        try:
            client.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            raise NotRunning from None
        except BlockingIOError:  # many wait already
            raise Silent(": too many wait for it") from None
        with contextlib.suppress(BrokenPipeError):  # told already that it is too many
            client.sendall(json.dumps({"do": wish}).encode() + b"\n")
        line = _answer(client)
    if not line:
        raise NotRunning
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError):
        raise OSError(f"{path} doesn't answer as vxland does. {SEE}") from None


def _answer(client: socket.socket) -> bytes:
    """A line; nothing from a daemon that ends. Raises Silent."""
    try:
        begun = client.recv(len(HEARD))
        client.settimeout(ANSWER_TIMEOUT)
        with client.makefile("rb") as answer:
            return begun + answer.readline(LONGEST_ANSWER) if begun else b""
    except TimeoutError:
        raise Silent(f" within {client.gettimeout():.0f} s") from None
    except ConnectionResetError:
        return b""
