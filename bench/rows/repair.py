"""Repair: a tunnel is deleted, and is up and guarded again, by the kernel's own notifications.

Or a flood entry is, and is there again.
"""

import random
import time
from collections.abc import Iterator

from bench.harness import Row, Spread
from bench.moments import MOMENTS, SHARED_DEVICE, deletion, kept, outage
from bench.place import MESH, Place, text
from bench.recreation import FIRST, Recreation
from bench.scale import Scale, Size
from vxland.kernel.directory import Directory
from vxland.kernel.links import read_indexes
from vxland.kernel.netlink import Netlink

P99 = {10: 0.010, 1000: 0.030}  # seconds
LIMIT = 3.0
PAUSE = 0.5  # seconds at most between two deletions: the turn that follows a mend is 0.2 s later
SEED = 7
FEWER = 25  # times fewer deletions where there is no percentile to be told
REST = 1.0  # seconds: a turn with thousands of entries takes some of it, and few would meet none


def rows(scale: Scale) -> Iterator[Row]:
    """The median against the kernel's own time, and the 99th percentile."""
    for size in scale.sizes():
        peers = size.peers
        with (
            Place("alone", scale.folder / "alone") as alone,
            Place("repair", scale.folder / "repair") as place,
        ):
            own = Recreation(alone, peers, size.mode)
            place.write(text(peers, size.mode))
            place.start()
            place.settled()
            count = scale.deletions if size.mode == MESH else scale.deletions // FEWER
            outages, recreations = _deletions(place, own, size, count)
            place.stop()
            own.close()
        yield Row(
            size.of("repair"),
            peers,
            outages,
            reference=recreations,
            against="the kernel's",
            limit=size.limit(dict.fromkeys(scale.meshes, LIMIT)),
        )
        if size.mode == MESH:
            worst = Spread((outages.share(0.99),))
            yield Row("repair, 99th percentile", peers, worst, limit=P99.get(peers))


def _deletions(place: Place, own: Recreation, size: Size, count: int) -> tuple[Spread, Spread]:
    """Seconds for which they were gone: put right by the daemon, and by the kernel alone."""
    outages, recreations = [], []
    pauses = random.Random(SEED)  # noqa: S311 - the same in each run, and no secret
    with place.entered():
        netlink = Netlink()
    with netlink:
        directory = Directory(read_indexes(netlink, [SHARED_DEVICE]), {})
        for number in range(count):
            peer = number % size.peers + FIRST
            with MOMENTS[size.mode](place) as moments:
                netlink.request([deletion(size.mode, peer, directory)])
                outages.append(outage(moments, kept(size.mode, peer)))
            recreations.append(own())
            pause = pauses.uniform(0, PAUSE)  # so that some hit a turn
            time.sleep(pause if size.mode == MESH else REST)
    return Spread(tuple(outages)), Spread(tuple(recreations))
