"""What may not grow, looked at from outside."""

import os
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.place import Place
from tests.metrics.scrape import scrape

TICKS = os.sysconf("SC_CLK_TCK")
MEMORY = 0.05  # of what it was: as docs/performance.md has it for turns
LINES = 0.2  # of as many: what is done in a quarter is chance, and so is what is said of it
CONNECTIONS = 1  # open at the moment of a look


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. Sums since the start are lines, turns, repairs and processor seconds."""

    seconds: float
    deeds: int
    memory: int  # bytes of RSS
    fds: int
    threads: int
    rules: int  # lines of ebtables-save and of nft's own list
    links: int
    lines: int  # of the log
    turns: int
    repairs: int
    processor: float  # seconds

    def json(self) -> dict[str, float]:
        """For the file of results."""
        return asdict(self)


def sample(place: Place, seconds: float, deeds: int) -> Sample:
    """Look at the daemon, which must run."""
    process = Path("/proc") / str(place.daemon.pid if place.daemon else "")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    counters = scrape(place)
    return Sample(
        seconds=round(seconds, 1),
        deeds=deeds,
        memory=int(status["VmRSS"].split()[0]) * 1024,
        fds=len(list((process / "fd").iterdir())),
        threads=int(status["Threads"]),
        rules=len(place.sh("ebtables-save; nft list ruleset").splitlines()),
        links=len(place.sh("ip -o link show").splitlines()),
        lines=place.log.read_bytes().count(b"\n"),
        turns=_sum(counters, "vxland_reconciliations_total"),
        repairs=_sum(counters, "vxland_operations_total"),
        processor=(int(fields[11]) + int(fields[12])) / TICKS,  # utime and stime, proc(5)
    )


def _sum(metrics: str, name: str) -> int:
    """All samples of one counter."""
    lines = (line for line in metrics.splitlines() if line.startswith(name))
    return int(sum(float(line.rsplit(maxsplit=1)[-1]) for line in lines))


@dataclass(frozen=True, slots=True)
class Growth:
    """What there was of something in the second quarter and in the last; the first warms up."""

    what: str
    before: float
    after: float
    spare: float  # how much more is no growth

    @property
    def held(self) -> bool:
        """Whether it didn't grow."""
        return self.after <= self.before + self.spare

    def line(self) -> str:
        """The same for a person."""
        verdict = "" if self.held else f": more than {self.spare:.6g} more"
        return f"{self.what}: {self.before:.6g}, then {self.after:.6g}{verdict}"


def growth(samples: Sequence[Sample]) -> list[Growth]:
    """What is compared: medians, since a look may fall into a repair.

    But the most there was of rules and links: the file's last peer is there every other minute, and
    a median of that is either.
    """
    quarter = max(len(samples) // 4, 1)
    early, late = samples[quarter : 2 * quarter + 1], samples[-quarter - 1 :]

    def level(
        what: str,
        of: Callable[[Sample], float],
        spare: float = 0,
        share: float = 0,
        held: Callable[[Iterable[float]], float] = statistics.median,
    ) -> Growth:
        before, after = (held(map(of, part)) for part in (early, late))
        return Growth(what, before, after, spare + share * before)

    before, after = (_lines_a_deed(part) for part in (early, late))
    return [
        level("bytes of memory", lambda one: one.memory, share=MEMORY),
        level("file descriptors", lambda one: one.fds, CONNECTIONS),
        level("threads", lambda one: one.threads),
        level("rules", lambda one: one.rules, held=max),
        level("links", lambda one: one.links, held=max),
        Growth("log lines a deed", before, after, LINES * before),
    ]


def _lines_a_deed(part: Sequence[Sample]) -> float:
    first, last = part[0], part[-1]
    return (last.lines - first.lines) / max(last.deeds - first.deeds, 1)
