"""How the kernel takes a very long flood list: appending to it, reading it, sending one broadcast.

As root: ``.venv/bin/python -m bench.flood [ENTRIES]``. Prints a line at each doubling of 10,000. It
takes minutes for 100,000, during which the machine's network configuration waits again and again.
"""

import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from bench.place import OVERLAY, SHARED, Place, address
from bench.turns import Turns
from tests.lab import own_mounts
from tests.lab.frames import BROADCAST
from vxland.kernel import fdb
from vxland.kernel.directory import Directory
from vxland.kernel.messages import MESSAGES
from vxland.kernel.netlink import Netlink
from vxland.operations import AppendFlood

FIRST, PIECE = 10_000, 1000
ENTRIES = 100_000
FRAME = BROADCAST + bytes.fromhex("020000000001") + b"\x88\xb5" + bytes(1436)


def main() -> None:
    """Make a list, and tell what it costs on the way."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    own_mounts()
    with (
        tempfile.TemporaryDirectory() as folder,
        Place("flood", Path(folder)) as place,
        place.entered(),
    ):
        with Turns(1, SHARED) as turns:
            turns.turn()
            device = next(turns.turn()[0].desired.tunnels()).vtep.device
        with Netlink() as netlink:
            _lengthen(netlink, device, entries)


def _lengthen(netlink: Netlink, device: str, entries: int) -> None:
    index = socket.if_nametoindex(device)  # in this thread's namespace
    directory = Directory({device: index}, {})
    took, told = 0.0, FIRST
    for number in range(0, entries, PIECE):
        messages = list(_messages(device, directory, range(number + 10, number + 10 + PIECE)))
        started = time.process_time()
        netlink.request(messages)
        took += time.process_time() - started
        length = number + PIECE
        if length in (told, entries):
            told *= 2
            print(f"{length:,}: appended in {took:.2f} s, {_read(netlink)}, {_sent()}", flush=True)


def _messages(device: str, directory: Directory, numbers: range) -> Iterator[bytes]:
    for number in numbers:
        operation = AppendFlood(OVERLAY, device, ip_address(address(number)))
        yield MESSAGES[AppendFlood](operation, directory)


def _read(netlink: Netlink) -> str:
    started = time.process_time()
    count = len(netlink.dump(fdb.dump_request()))
    return f"{count:,} read raw in {(time.process_time() - started) * 1e3:.0f} ms"


def _sent() -> str:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind(("vxbr0", 0))
        started = time.process_time()
        sender.send(FRAME)
        took = (time.process_time() - started) * 1e3
        return f"one broadcast of {len(FRAME)} bytes in {took:.0f} ms"


if __name__ == "__main__":
    main()
