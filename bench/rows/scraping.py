"""/metrics: how long an answer takes, and what 20 scrapes a second do to repairs."""

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack

from bench.harness import Row, Spread
from bench.moments import Ports, deletion, kept, outage
from bench.place import MESH, Place, text
from bench.recreation import FIRST
from bench.scale import Scale
from tests.lab.worker import Worker
from tests.metrics.scrape import scrape
from vxland.kernel.directory import Directory
from vxland.kernel.netlink import Netlink

LIMIT = 0.06  # seconds
SLOWER = 1.5
RATE = 20  # scrapes a second
ENOUGH = 0.9  # of them, which must be asked for
SCRAPERS = 16  # who wait for an answer each: as many as the daemon makes or keeps at a time
REPAIRS = 10  # a round, each of another peer's tunnel
PAUSE = 0.1  # seconds between two


def rows(scale: Scale) -> Iterator[Row]:
    """A mesh at each size, and how long it takes where flood lists are long."""
    limits = dict.fromkeys(scale.meshes, LIMIT)
    for size in scale.sizes():
        peers = size.peers
        with Place("scraping", scale.folder / "scraping") as place:
            place.write(text(peers, size.mode))
            place.start()
            place.settled()
            answers = Spread(tuple(_answer(place) for _ in range(scale.rounds * 5)))
            yield Row(size.of("/metrics"), peers, answers, limit=size.limit(limits))
            if size.mode != MESH:
                continue
            calm, scraped, answered = _repairs(place, scale.rounds)
            yield Row(
                f"repairs during {RATE} scrapes a second",
                peers,
                scraped,
                reference=calm,
                against="repairs without",
                limit=SLOWER,
            )
            yield Row("scrapes answered a second meanwhile", peers, answered, "", least=True)
            place.stop()


def _answer(place: Place) -> float:
    started = time.perf_counter()
    scrape(place)
    return time.perf_counter() - started


def _repairs(place: Place, rounds: int) -> tuple[Spread, Spread, Spread]:
    """Median outages without scrapes, and with them, round by round; and how many came back.

    Raises RuntimeError where fewer were asked for than should have been.
    """
    calm, scraped, answered = [], [], []
    for _ in range(rounds):
        calm.append(_outages(place).median)
        with ExitStack() as stack:
            scrapers = [stack.enter_context(_Scraper(place, part)) for part in range(SCRAPERS)]
            started = time.monotonic()
            scraped.append(_outages(place).median)
            took = time.monotonic() - started
            asked = sum(scraper.asked for scraper in scrapers) / took
            answered.append(sum(scraper.answered for scraper in scrapers) / took)
        if asked < ENOUGH * RATE:
            message = f"{asked:.1f} scrapes a second were asked for, instead of {RATE}"
            raise RuntimeError(message)
    return Spread(tuple(calm)), Spread(tuple(scraped)), Spread(tuple(answered))


class _Scraper(Worker):
    """One of some that take turns: asks when it is due, however long the last answer took."""

    def __init__(self, place: Place, part: int) -> None:
        self.asked = self.answered = 0
        self._place = place
        self._part = part
        super().__init__()

    def _work(self) -> None:
        started = time.monotonic()
        for number in itertools.count():
            due = started + (number + self._part / SCRAPERS) * SCRAPERS / RATE
            if self.ended.wait(max(0.0, due - time.monotonic())):
                return
            self.asked += 1
            scrape(self._place)
            self.answered += 1


def _outages(place: Place) -> Spread:
    seconds = []
    with place.entered():
        netlink = Netlink()
    with netlink:
        for number in range(REPAIRS):  # one device again and again would be a fight
            with Ports(place) as moments:
                netlink.request([deletion(MESH, number + FIRST, Directory({}, {}))])
                seconds.append(outage(moments, kept(MESH, number + FIRST)))
            time.sleep(PAUSE)
    return Spread(tuple(seconds))
