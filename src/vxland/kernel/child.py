"""A program that is given text and gives text, and whose end is noticed as it comes."""

import contextlib
import fcntl
import os
import select
import subprocess
from collections.abc import Mapping, Sequence


class Child(subprocess.Popen[str]):
    """A process without a shell, all of whose streams are pipes.

    Where there is a time limit, Popen asks again and again whether it has ended, and sleeps in
    between, for half a millisecond at first. Here the kernel tells (pidfd_open(2), Linux 5.3).

    What makes this process the one writer is inherited, and nothing else is: should it be killed,
    nobody writes before this has ended. (PR_SET_PDEATHSIG would come after the lock is free.)
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        super().__init__(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=environment,
            close_fds=False,  # Python lets none be inherited but those of process/lock and flag
        )
        self._untold: str | None = None

    def tell(self, text: str) -> None:
        """Give it all it is told, at once where the pipe has room for that; else ``hear`` does."""
        told = self.stdin
        size = len(text.encode(errors="replace"))
        if told is None or size > fcntl.fcntl(told, fcntl.F_GETPIPE_SZ):
            self._untold = text
            return
        with contextlib.suppress(BrokenPipeError), told:  # it has ended, which its status tells
            told.write(text)
        self.stdin = None

    def hear(self, timeout: float) -> tuple[str, str]:
        """What it says, and complains of, until it ends, of which ``returncode`` tells then.

        Raises subprocess.TimeoutExpired after so many seconds.
        """
        return self.communicate(self._untold, timeout)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status; raises subprocess.TimeoutExpired after so many seconds."""
        if timeout is None or self.returncode is not None:
            return super().wait(timeout)
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:  # none is left, say
            return super().wait(timeout)
        try:
            poll = select.poll()  # select takes no descriptor above 1,023
            poll.register(descriptor, select.POLLIN)
            ended = poll.poll(max(timeout, 0) * 1000)
        finally:
            os.close(descriptor)
        if not ended:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return super().wait()
