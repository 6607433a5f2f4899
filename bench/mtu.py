"""What ``mtu = 1500`` over an underlay of 1500 costs, against the default in the same run.

As root: ``.venv/bin/python -m bench.mtu [ROUNDS]``. Prints how much arrives in a second, and the
ratios. Both take turns, since machines are noisy; the median of the rounds counts.
"""

import contextlib
import multiprocessing
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab import own_mounts
from tests.mtu.crossing import GUESTS, Crossing, Way

ROUNDS = 5
SECONDS = 1.0
PIECE = bytes(1 << 16)
DEFAULT, UNTOUCHED = Way(), Way(mtu=1500, guest=1500)
FULL, FITTING = 1472, 1422  # bytes in a datagram whose packet has 1500, and 1450
FORK = multiprocessing.get_context("fork")
ADDRESS = GUESTS[4][1]


def _until_over(send: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    with contextlib.suppress(OSError):
        while time.monotonic() < end:
            send()


def tcp(crossing: Crossing) -> float:
    """Bytes in a second through one connection."""
    web, db = crossing.guests
    with db.entered():
        listener = socket.create_server((ADDRESS, 0))
    with listener:
        with web.entered():
            sender = socket.create_connection(listener.getsockname())
        connection, _ = listener.accept()
        with connection:
            child = FORK.Process(target=_until_over, args=(lambda: sender.sendall(PIECE),))
            child.start()
            sender.close()
            started, came = time.monotonic(), 0
            while piece := connection.recv(len(PIECE)):
                came += len(piece)
            took = time.monotonic() - started
        child.join()
    return came / took


def udp(crossing: Crossing, size: int) -> float:
    """Bytes in a second that come to a socket, in datagrams of this size, read or not."""
    web, db = crossing.guests
    with db.entered():
        receiver = socket.socket(type=socket.SOCK_DGRAM)
    with web.entered():
        sender = socket.socket(type=socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind((ADDRESS, 0))
        sender.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: IP_PMTUDISC_DONT
        sender.connect(receiver.getsockname())
        before = _datagrams(crossing)
        child = FORK.Process(target=_until_over, args=(lambda: sender.send(PIECE[:size]),))
        child.start()
        child.join()
        return (_datagrams(crossing) - before) * size / SECONDS


def _datagrams(crossing: Crossing) -> int:
    names, values = crossing.guests[1].sh("grep ^Udp: /proc/net/snmp").splitlines()
    counted = dict(zip(names.split(), values.split(), strict=True))
    return int(counted["InDatagrams"]) + int(counted["RcvbufErrors"])


MEASURED: tuple[tuple[str, Callable[[Crossing], float], Callable[[Crossing], float]], ...] = (
    ("TCP", tcp, tcp),
    ("UDP, 1472 bytes", lambda c: udp(c, FULL), lambda c: udp(c, FULL)),
    ("UDP, full packets of each", lambda c: udp(c, FITTING), lambda c: udp(c, FULL)),
)


def main() -> None:
    """Measure with and without offloads."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    own_mounts()
    with tempfile.TemporaryDirectory() as folder, Crossing(Path(folder)) as crossing:
        for offloads in (False, True):
            print(f"offloads {'on' if offloads else 'off'}: default, mtu = 1500 (MB/s), ratio")
            seen: dict[str, tuple[list[float], list[float]]] = {m[0]: ([], []) for m in MEASURED}
            for _ in range(rounds):
                for column, way in enumerate((DEFAULT, UNTOUCHED)):
                    crossing.lay(Way(mtu=way.mtu, guest=way.guest, offloads=offloads))
                    for what, *measure in MEASURED:
                        seen[what][column].append(measure[column](crossing))
            for what, columns in seen.items():
                one, other = map(statistics.median, columns)
                print(f"  {what:27} {one / 1e6:8.1f} {other / 1e6:8.1f} {other / one:6.2f}")


if __name__ == "__main__":
    main()
