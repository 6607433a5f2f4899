"""What goes through from one namespace to another, and what processors it takes."""

import contextlib
import multiprocessing
import os
import resource
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.lab.namespaces import Namespace

PIECE = bytes(1 << 16)
PROCESSORS = sorted(os.sched_getaffinity(0))
FORK = multiprocessing.get_context("fork")
CONGESTION = b"cubic"  # Linux' own choice, and Debian's
SMALL = bytes(64)
PORT = 9  # discard (RFC 863)
LEAST_BUFFER = 1  # bytes, of which the kernel makes the least there is (SOCK_MIN_RCVBUF)
WARMING = 2000  # datagrams


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes, the seconds in which they came, and those of processors that both ends took."""

    came: int
    took: float
    worked: float

    @property
    def rate(self) -> float:
        """Bytes in a second."""
        return self.came / self.took

    @property
    def of_processor(self) -> float:
        """Bytes in a second of a processor, who else may use it: steadier on a busy machine."""
        return self.came / self.worked


def tcp(one: Namespace, other: Namespace, address: str, seconds: float) -> Stream:
    """What goes through one connection from one to the other.

    Each end has a processor of its own: how the scheduler places two that talk to each other is
    worth more than all that is compared.
    """
    with other.entered():
        listener = socket.create_server((address, 0))
    with listener, _on(PROCESSORS[0]):
        with one.entered():
            sender = socket.create_connection(listener.getsockname())
        sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION)
        connection, _ = listener.accept()
        with connection:
            child = FORK.Process(target=_send, args=(sender, seconds))
            child.start()
            sender.close()
            started, before, came = time.monotonic(), _processors(), 0
            while piece := connection.recv(1 << 18):
                came += len(piece)
            took = time.monotonic() - started
        child.join()
    return Stream(came, took, _processors() - before)


def _processors() -> float:
    """Seconds of this process and of its children that have ended; with what the kernel did."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


@contextlib.contextmanager
def _on(processor: int) -> Iterator[None]:
    os.sched_setaffinity(0, {processor})
    try:
        yield
    finally:
        os.sched_setaffinity(0, PROCESSORS)


def _send(sender: socket.socket, seconds: float) -> None:
    os.sched_setaffinity(0, {PROCESSORS[-1]})
    end = time.monotonic() + seconds
    with contextlib.suppress(OSError):
        while time.monotonic() < end:
            sender.sendall(PIECE)


def datagram(one: Namespace, other: Namespace, address: str, count: int) -> float:
    """Seconds of a processor that each of so many small ones takes, all the way to a full socket.

    On one processor the kernel does all for the sender, as it sends: so a thread's time is what a
    frame costs, through both servers. The one who is sent to never reads.
    """
    with other.entered():
        target = socket.socket(type=socket.SOCK_DGRAM)
        target.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LEAST_BUFFER)
        target.bind((address, PORT))
    with one.entered():
        sender = socket.socket(type=socket.SOCK_DGRAM)
        sender.connect((address, PORT))
    with target, sender, _on(PROCESSORS[-1]):
        for _ in range(WARMING):
            sender.send(SMALL)
        before = time.thread_time()
        for _ in range(count):
            sender.send(SMALL)
        return (time.thread_time() - before) / count
