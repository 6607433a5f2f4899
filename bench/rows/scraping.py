"""/metrics: how long an answer takes, and what 20 scrapes a second do to repairs."""

import threading
import time
from collections.abc import Iterator

from bench.harness import Row, Spread
from bench.place import OVERLAY, Place, name, text
from bench.recreation import deletion, outage
from bench.scale import Scale
from tests.lab import Moments
from tests.metrics.scrape import scrape
from vxland.identity import pair_device
from vxland.kernel.netlink import Netlink

LIMIT = 0.06  # seconds
SLOWER = 1.5
RATE = 20  # scrapes a second
REPAIRS = 10  # a round, each of another peer's tunnel
PAUSE = 0.1  # seconds between two


def rows(scale: Scale) -> Iterator[Row]:
    """A mesh at each size."""
    for peers in scale.meshes:
        with Place("scraping", scale.folder / "scraping") as place:
            place.write(text(peers))
            place.start()
            place.settled()
            answers = Spread(tuple(_answer(place) for _ in range(scale.rounds * 5)))
            yield Row("/metrics", peers, answers, limit=LIMIT)
            calm, scraped = _repairs(place, scale.rounds)
            yield Row(
                f"repairs during {RATE} scrapes a second",
                peers,
                scraped,
                reference=calm,
                against="repairs without",
                limit=SLOWER,
            )
            place.stop()


def _answer(place: Place) -> float:
    started = time.perf_counter()
    scrape(place)
    return time.perf_counter() - started


def _repairs(place: Place, rounds: int) -> tuple[Spread, Spread]:
    """Median outages without scrapes, and with them, round by round."""
    calm, scraped = [], []
    for _ in range(rounds):
        calm.append(_outages(place).median)
        ended = threading.Event()
        scraper = threading.Thread(target=_scrape, args=(place, ended))
        scraper.start()
        scraped.append(_outages(place).median)
        ended.set()
        scraper.join()
    return Spread(tuple(calm)), Spread(tuple(scraped))


def _scrape(place: Place, ended: threading.Event) -> None:
    while not ended.wait(1 / RATE):
        scrape(place)


def _outages(place: Place) -> Spread:
    seconds = []
    with place.entered():
        netlink = Netlink()
    with netlink:
        for number in range(REPAIRS):  # one device again and again would be a fight
            device = pair_device(OVERLAY, name(number + 2))
            with Moments(place) as moments:
                netlink.request([deletion(device)])
                seconds.append(outage(moments, device))
            time.sleep(PAUSE)
    return Spread(tuple(seconds))
