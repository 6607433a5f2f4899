"""A program's output, whatever becomes of the program: none holds up the report, or fills it."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, cast

from msgspec import Struct

PATIENCE = 20.0  # seconds for one program; a look at 1,000 tunnels takes a few
LIMIT = 2 << 20  # bytes of one answer
ENDS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
LATE = "not over after {:g} s"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
SETTING = {"LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0", "NO_COLOR": "1"}


class Answer(Struct, frozen=True):
    """What was printed, and what was wrong; empty where nothing was."""

    text: str
    trouble: str = ""


def ask(command: Sequence[str], patience: float = PATIENCE, limit: int = LIMIT) -> Answer:
    """What a program prints, complaints included. For a process of one thread."""
    path = ":".join(filter(None, (os.environ.get("PATH"), PATH)))  # an empty part would mean here
    # Who gives up meanwhile waits until there is a program to end. That is begun with these signals
    # blocked, and ended by SIGKILL.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **SETTING, "PATH": path},
        )
    except OSError as error:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return Answer("", f"{command[0]} can't be run: {error.strerror}")
    with cast("IO[bytes]", process.stdout) as output:
        try:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            printed, trouble = _read(output, patience, limit)
            if not trouble:
                trouble = _ended(process, patience)
        finally:
            process.kill()
            # One that hangs in the kernel isn't waited for.
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)
    return Answer(printed.decode(errors="replace"), trouble)


def _read(output: IO[bytes], patience: float, limit: int) -> tuple[bytes, str]:
    """All that comes in this time, and why that isn't all."""
    printed, end = bytearray(), time.monotonic() + patience
    poll = select.poll()
    poll.register(output, select.POLLIN)
    while (left := end - time.monotonic()) > 0:
        if not poll.poll(left * 1000):
            continue
        part = os.read(output.fileno(), 1 << 16)
        if not part:
            return bytes(printed), ""
        printed += part
        if len(printed) > limit:
            return bytes(printed[:limit]), f"cut off after {limit >> 10} KiB"
    return bytes(printed), LATE.format(patience)


def _ended(process: subprocess.Popen[bytes], patience: float) -> str:
    try:
        status = process.wait(patience)
    except subprocess.TimeoutExpired:
        return LATE.format(patience)
    return f"exit status {status}" if status else ""
