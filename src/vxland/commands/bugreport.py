"""``vxland bugreport``: what an issue needs, in one archive, without secrets."""

import errno
import json
import os
import re
import signal
import socket
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from vxland.bugreport.archive import LEFT_OUT, pack, write
from vxland.bugreport.collect import STATUS, Piece, collect
from vxland.commands.trouble import complain
from vxland.commands.words import clean, size

WRITTEN, ERROR = 0, 1
STDOUT = "-"
TERMINAL = "an archive isn't for a terminal: name a file with --output, or use a pipe"


def run(options: Namespace) -> int:
    """0 written, whatever couldn't be had; 1 nothing was written."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    to_stdout = options.output == STDOUT
    if to_stdout and sys.stdout.isatty():
        complain(options, TERMINAL)
        return ERROR
    target = Path(options.output or f"vxland-{stamp}.tar.gz")
    try:
        if not to_stdout:
            _try(target)
        pieces = list(collect(options.config, _words()))
        name = f"vxland-{_node(pieces)}-{stamp}"
        data = pack(name, pieces)
        if to_stdout:
            sys.stdout.buffer.write(data)
        else:
            target = Path(options.output or f"{name}.tar.gz")
            write(target, data)
    except OSError as error:
        complain(options, f"{'-' if to_stdout else target}: {error.strerror or error}")
        return ERROR
    _tell("standard output" if to_stdout else str(target), len(data), pieces)
    return WRITTEN


def _end(number: int, _: FrameType | None) -> NoReturn:
    """As Ctrl-C ends it: nothing half written stays."""
    raise SystemExit(128 + number)


def _try(target: Path) -> None:
    """Say now what would go wrong, before anybody waits for it. Raises OSError."""
    if target.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    with tempfile.TemporaryFile(dir=target.parent):
        pass


def _words() -> list[str]:
    """The words that run this program, whichever way it was run."""
    return [sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]]


def _node(pieces: Sequence[Piece]) -> str:
    """This machine as the mesh calls it, or else as it calls itself."""
    status = next(piece.text for piece in pieces if piece.file == STATUS)
    try:
        name = str(json.loads(status)["node"])
    except (ValueError, KeyError, TypeError):
        name = ""
    return re.sub(r"[^\w.-]", "_", name or socket.gethostname(), flags=re.ASCII)


def _tell(where: str, length: int, pieces: Sequence[Piece]) -> None:
    """On stderr, so that it never gets into the archive."""
    lines = [f"wrote {clean(where)} ({size(length)})"]
    if troubled := [piece for piece in pieces if piece.trouble]:
        lines.append(f"not or not wholly had: {len(troubled)} of {len(pieces)} files:")
        lines += (f"  {piece.file}: {clean(piece.trouble)}" for piece in troubled)
    lines += ["left out:", *(f"  {what}" for what in LEFT_OUT)]
    lines.append(
        "It tells names, addresses, MAC addresses and routes: look it over before you attach it"
        + ("." if where == "standard output" else f": tar -xzf {clean(where)}")
    )
    print("\n".join(lines), file=sys.stderr)
