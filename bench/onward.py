"""What the ways from VNIs by index to VNIs by pair lose, in the same run.

As root: ``.venv/bin/python -m bench.onward [ROUNDS]``. Three servers, a guest behind each, 1,000
frames a second each way between each two of them; a server takes its step, and the next one 0.4 s
later. Prints for each way how many frames were sent and lost while all servers took it.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.lab import Site, own_mounts
from tests.onward.crossing import HEARS_INDEX, HEARS_PAIR, INDEX, PAIR, Traffic, file, taken

ROUNDS = 3
ORDERS = ((0, 1, 2), (2, 0, 1), (1, 2, 0))
FORTH = (HEARS_PAIR, HEARS_INDEX, PAIR)
BACK = (HEARS_INDEX, HEARS_PAIR, INDEX)

Make = Callable[[Site], Traffic]


def talking(site: Site) -> Traffic:
    """All guests send, and send broadcasts."""
    return Traffic(site.containers)


def without_broadcasts(site: Site) -> Traffic:
    """All guests send."""
    return Traffic(site.containers, (), 0)


def one_listens(site: Site) -> Traffic:
    """One guest only receives, so that nobody learns anew where it is."""
    return Traffic(site.containers, site.containers[:1], 0)


WAYS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("plain", INDEX, (PAIR,)),
    ("in steps", INDEX, FORTH),
    ("back, plain", PAIR, (INDEX,)),
    ("back, in steps", PAIR, BACK),
)


def measure(site: Site, make: Make, stages: tuple[str, ...]) -> list[Traffic]:
    """Go the way; the traffic of each of its steps."""
    seen = []
    for vni, order in zip(stages, ORDERS, strict=False):
        with make(site) as traffic:
            for _ in taken(site, vni, order):
                pass
        seen.append(traffic)
    return seen


def main() -> None:
    """Every way, with each kind of traffic."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    own_mounts()
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder), 3) as site:
        site.start(file(INDEX))
        site.add_containers()
        for make in (talking, without_broadcasts, one_listens):
            print(f"{make.__doc__}")
            for name, begin, stages in WAYS:
                for _ in range(rounds):
                    for server in site.servers:
                        server.configure(file(begin))
                    site.all_reach()
                    seen = measure(site, make, stages)
                    steps = " + ".join(str(traffic.lost) for traffic in seen)
                    copied = sum(traffic.copied for traffic in seen)
                    unheard = sum(traffic.unheard for traffic in seen)
                    busy = ", on a machine too busy" * any(traffic.dropped for traffic in seen)
                    print(
                        f"  {name:15} {sum(t.sent for t in seen):6} sent, {steps} lost;"
                        f" of broadcasts {unheard} lost, {copied} copied{busy}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
