"""Path MTUs: echo requests with the bit DF, of many sizes to many peers at once.

DF with a size that the kernel doesn't correct by what it was told before (IP_PMTUDISC_PROBE, ip(7)
and ipv6(7)). Beside them, timestamp requests (RFC 792), which Linux answers with its clock. Needs
CAP_NET_RAW. Sizes are of whole IP packets.
"""

import errno
import secrets
import selectors
import socket
import time
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from vxland.addresses import IPAddress
from vxland.diagnosis.facts import Path, Told
from vxland.diagnosis.targets import Ends
from vxland.probe.icmp import ECHO, FAMILIES, IPV4, Family, Reply, read_reply, timestamp
from vxland.process.closing import Closing

PATIENCE = 1.0  # seconds for an answer
TRIES = 2  # a packet may be lost by chance
PART = 16  # sizes that are tried at once between what passed and what didn't
SMALL = 84  # bytes, as ping has them
PACE = 200  # packets between two looks at what came
PROBE = 3  # IP_PMTUDISC_PROBE, IPV6_PMTUDISC_PROBE


class _Trial(Struct):
    """One path's run."""

    ends: Ends
    wanted: int
    passed: int = 0  # the largest that was answered
    failed: int = 0  # the smallest that wasn't, though it was sent often enough
    told: Told | None = None
    narrow: tuple[IPAddress, int] | None = None
    ahead: float | None = None
    waiting: set[int] = field(default_factory=set)  # sizes

    @property
    def over(self) -> bool:
        """Whether there is nothing more to find out."""
        return not self.passed or self.passed >= self.wanted or self.failed <= self.passed + 1

    def sizes(self) -> list[int]:
        """What to try next, the smallest first."""
        step = max(1, (self.failed - self.passed) // (PART + 1))
        between = set(range(self.passed + step, self.failed, step))
        if self.narrow and self.passed < self.narrow[1] < self.failed:
            between.add(self.narrow[1])
        return sorted(between)

    def fact(self) -> Path:
        """How it went."""
        return Path(self.wanted, self.passed, self.told, self.narrow, self.ahead)


def measure(wanted: Mapping[Ends, int]) -> Mapping[Ends, Path]:
    """The largest packets, up to these sizes, that come through. Raises OSError."""
    trials = [_Trial(ends, size) for ends, size in wanted.items()]
    found: dict[Ends, Path] = {}
    for version in (4, 6):
        of_family = [trial for trial in trials if trial.ends.remote.version == version]
        if of_family:
            with _Pinger(FAMILIES[version]) as pinger:
                pinger.run(of_family)
            found |= {trial.ends: trial.fact() for trial in of_family}
    return found


class _Pinger(Closing):
    def __init__(self, family: Family) -> None:
        self._family = family
        self._id = secrets.randbits(16)
        self._asked: dict[int, tuple[_Trial, int]] = {}  # by sequence number
        self._sequence = 0
        self._socket = socket.socket(family.family, socket.SOCK_RAW, family.protocol)
        try:
            self._socket.setsockopt(family.level, family.discover, PROBE)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            self._socket.settimeout(0)
        except BaseException:
            self._socket.close()
            raise

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def run(self, trials: Sequence[_Trial]) -> None:
        """Find out all there is to find."""
        for trial in trials:
            self._send_timestamp(trial)
        self._round({id(t): (t, [min(SMALL, t.wanted), t.wanted]) for t in trials})
        for trial in trials:
            trial.failed = trial.wanted
        while narrow := [trial for trial in trials if not trial.over]:
            tried = {id(t): (t, t.sizes()) for t in narrow}
            self._round(tried)
            for trial, sizes in tried.values():
                lost = [size for size in sizes if size > trial.passed]
                trial.failed = min([trial.failed, *lost])

    def _round(self, tried: Mapping[int, tuple[_Trial, list[int]]]) -> None:
        """Send all of these, again where there is no answer, and wait for the answers."""
        for trial, sizes in tried.values():
            trial.waiting = set(sizes)
        for _ in range(TRIES):
            count = 0
            for trial, _sizes in tried.values():
                for size in sorted(trial.waiting):
                    self._send(trial, size)
                    count += 1
                    if count % PACE == 0:
                        self._listen(0, [])
            self._listen(PATIENCE, [trial for trial, _ in tried.values()])

    def _listen(self, patience: float, waiting: Iterable[_Trial]) -> None:
        """Take what comes; not longer than until everybody has answered."""
        end = time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            while True:
                while self._receive():
                    pass
                left = end - time.monotonic()
                if left <= 0 or not any(trial.waiting for trial in waiting):
                    return
                selector.select(left)

    def _receive(self) -> bool:
        try:
            packet, sender = self._socket.recvfrom(65536)
        except BlockingIOError:
            return False
        except OSError:  # an error that a packet of ours met: it is told by ICMP, too
            return True
        reply = read_reply(packet, sender[0], self._family)
        if reply is not None and reply.id == self._id:
            self._note(reply)
        return True

    def _note(self, reply: Reply) -> None:
        trial, size = self._asked.get(reply.sequence, (None, 0))
        if trial is None:
            return
        if reply.ahead is not None:
            trial.ahead = reply.ahead
        elif reply.narrow:
            trial.waiting = {waiting for waiting in trial.waiting if waiting < size}
            trial.narrow = (reply.sender, reply.narrow)
        elif reply.told is not None:
            trial.waiting.clear()
            trial.told = reply.told
        elif reply.sender.packed == trial.ends.remote.packed:  # whatever the zone
            trial.passed = max(trial.passed, size)
            trial.waiting = {waiting for waiting in trial.waiting if waiting > size}

    def _next(self, trial: _Trial, size: int) -> int:
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._asked[self._sequence] = (trial, size)
        return self._sequence

    def _send(self, trial: _Trial, size: int) -> None:
        body = ECHO.pack(self._family.request, 0, 0, self._id, self._next(trial, size))
        self._put(trial, body.ljust(size - self._family.header, b"v"), size)

    def _send_timestamp(self, trial: _Trial) -> None:
        if self._family is IPV4:
            self._put(trial, timestamp(self._id, self._next(trial, 0)), 0)

    def _put(self, trial: _Trial, body: bytes, size: int) -> None:
        packet = self._family.finished(body)
        source = (self._family.level, self._family.info, self._family.source(trial.ends.local))
        for _ in range(TRIES):
            try:
                self._socket.sendmsg([packet], [source], 0, (str(trial.ends.remote), 0))
            except BlockingIOError:  # the buffer is full
                time.sleep(0.01)
                continue
            except OSError as error:
                trial.waiting.discard(size)
                if error.errno != errno.EMSGSIZE:  # that one is larger than the device takes
                    trial.told = Told(trial.ends.local, error.strerror or str(error))
            return
