"""What is asked for at each scrape, because no report tells it."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from vxland.metrics.paced import GiveWay
from vxland.model import Desired
from vxland.odometer import Key
from vxland.tables.meter import Counters
from vxland.traffic import Seen


class Sources(Struct, frozen=True):
    """Whom to ask. ``devices`` and ``counters`` make way; all others answer at once."""

    devices: Callable[[], Mapping[str, Seen]]  # VXLAN devices as the kernel has them; OSError
    counters: Callable[[], Counters]  # what nftables has counted for peers
    kept_out: Callable[[Desired], Mapping[str, int]]  # packets, by overlay
    since: Callable[[], Mapping[Key, float]]  # when tunnels last changed, seconds since the epoch
    overruns: Callable[[], int]
    fights: Callable[[], int]
    interval: Callable[[], float]  # seconds
    give_way: GiveWay  # waits while the loop takes a turn
