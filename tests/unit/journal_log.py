"""A journal to look at: turns to write down, a clock, and what was written."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface

from msgspec.structs import replace

from vxland.execution import Outcome
from vxland.journal import Journal
from vxland.journal.entries import Entry
from vxland.model import Desired
from vxland.observed import Host, Link, LocalAddress, Observed
from vxland.operations import Operation, SetMtu
from vxland.peers import addresses
from vxland.plan import Plan
from vxland.report import ConfigState, Report
from vxland.resolve import resolve
from vxland.settings import OverlaySettings, PeerSettings, Settings

DEVICE, OTHER, GONE = "vxl-lan-lxd2", "vxl-lan-lxd3", "vxl-lan-lxd9"
HERE = Host(addresses=(LocalAddress(ip_interface("10.0.0.1/8"), "eth0"),))


def mesh(peers: int) -> Desired:
    """Of lxd1, with a tunnel to each of the others."""
    listed = tuple(
        PeerSettings(f"lxd{number}", str(ip_address("10.0.0.0") + number))
        for number in range(1, peers + 1)
    )
    settings = Settings(overlays=(OverlaySettings("lan", "vxbr0"),), peers=listed)
    return resolve(settings, addresses(listed), HERE)


SMALL = mesh(3)
LEFT = Observed(links={GONE: Link(GONE, "vxlan", alias="vxland:lan:lxd9")})
TURN = Report(
    at=1000.0,
    duration=0.0123,
    triggers=frozenset({"netlink", "retry"}),
    config=ConfigState("/etc/vxland.toml", "abc", 900.0),
    desired=SMALL,
    observed=LEFT,
    plan=Plan(),
)


def turn(*operations: Operation, **changes: object) -> Report:
    """A turn in which these were done."""
    outcomes = tuple(Outcome(operation) for operation in operations)
    changes.setdefault("repaired", frozenset(operation.device for operation in operations))
    return replace(TURN, outcomes=outcomes, **changes)


def mtu(device: str = DEVICE) -> SetMtu:
    """What puts the MTU of a device right."""
    return SetMtu("lan", device, 1450)


class Keeper(logging.Handler):
    """Keeps what is logged."""

    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__()
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self._records.append(record)


@dataclass
class Log:
    """A journal, its clock, and what it wrote."""

    now: float = 1000.0
    records: list[logging.LogRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal = Journal(lambda: self.now)

    def goes_on(self, seconds: float) -> None:
        """Time passes, and the journal is asked whenever it wants to be."""
        end = self.now + seconds
        while (due := self.journal.due()) is not None and due <= end:
            self.now = max(self.now, due)
            self.journal.summarize()
        self.now = end

    def new(self) -> list[str]:
        """The lines since the last time, as they are on stderr."""
        return [f"{r.levelname}: {r.getMessage()}" for r in self.entries_of(self.drained())]

    def drained(self) -> list[logging.LogRecord]:
        """The records since the last time."""
        drained = list(self.records)
        self.records.clear()
        return drained

    @staticmethod
    def entries_of(records: list[logging.LogRecord]) -> list[logging.LogRecord]:
        """The same; each has an entry, without an empty field."""
        for record in records:
            entry = entry_of(record)
            assert all(entry.fields.values())
            assert all(value for values in entry.fields.values() for value in values)
        return records

    def entry(self) -> Entry:
        """The one new line."""
        [record] = self.entries_of(self.drained())
        return entry_of(record)


def entry_of(record: logging.LogRecord) -> Entry:
    """What the record is about."""
    entry = record.__dict__["entry"]
    assert isinstance(entry, Entry)
    return entry


@contextmanager
def listening() -> Iterator[Log]:
    """A journal after its first turn."""
    logger = logging.getLogger("vxland")
    before = logger.handlers, logger.level, logger.propagate
    log = Log()
    logger.handlers, logger.propagate = [Keeper(log.records)], False
    logger.setLevel(logging.DEBUG)
    log.journal.write(turn())
    log.drained()
    try:
        yield log
    finally:
        logger.handlers, logger.propagate = before[0], before[2]
        logger.setLevel(before[1])
