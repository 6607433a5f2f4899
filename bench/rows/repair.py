"""Repair: a tunnel is deleted, and is up and guarded again, by the kernel's own notifications."""

import random
import time
from collections.abc import Iterator

from bench.harness import Row, Spread
from bench.place import OVERLAY, Place, name, text
from bench.recreation import Recreation, deletion, outage
from bench.scale import Scale
from tests.lab import Moments
from vxland.identity import pair_device
from vxland.kernel.netlink import Netlink

P99 = {10: 0.010, 1000: 0.030}  # seconds
LIMIT = 3.0
PAUSE = 0.5  # seconds at most between two deletions: the turn that follows a mend is 0.2 s later
SEED = 7


def rows(scale: Scale) -> Iterator[Row]:
    """The median against the kernel's own time, and the 99th percentile."""
    for peers in scale.meshes:
        with (
            Place("alone", scale.folder / "alone") as alone,
            Place("repair", scale.folder / "repair") as place,
        ):
            own = Recreation(alone, peers)
            place.write(text(peers))
            place.start()
            place.settled()
            outages, recreations = _deletions(place, own, peers, scale.deletions)
            place.stop()
            own.close()
        yield Row(
            "repair", peers, outages, reference=recreations, against="the kernel's", limit=LIMIT
        )
        worst = Spread((outages.share(0.99),))
        yield Row("repair, 99th percentile", peers, worst, limit=P99.get(peers))


def _deletions(place: Place, own: Recreation, peers: int, count: int) -> tuple[Spread, Spread]:
    """Seconds for which tunnels were gone: put right by the daemon, and by the kernel alone."""
    outages, recreations = [], []
    pauses = random.Random(SEED)  # noqa: S311 - the same in each run, and no secret
    with place.entered():
        netlink = Netlink()
    with netlink:
        for number in range(count):
            device = pair_device(OVERLAY, name(number % peers + 2))
            with Moments(place) as moments:
                netlink.request([deletion(device)])
                outages.append(outage(moments, device))
            recreations.append(own())
            time.sleep(pauses.uniform(0, PAUSE))  # so that some hit a turn
    return Spread(tuple(outages)), Spread(tuple(recreations))
