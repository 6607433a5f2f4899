"""A laboratory: servers and containers as network namespaces on this machine's own kernel."""

from tests.lab.drops import drops
from tests.lab.frames import BROADCAST, Flow, Listener, Lost, Steady, Tap, broadcast
from tests.lab.moments import Moments
from tests.lab.namespaces import Namespace, own_mounts
from tests.lab.server import Server
from tests.lab.site import Container, Site
from tests.lab.waiting import eventually

__all__ = [
    "BROADCAST",
    "Container",
    "Flow",
    "Listener",
    "Lost",
    "Moments",
    "Namespace",
    "Server",
    "Site",
    "Steady",
    "Tap",
    "broadcast",
    "drops",
    "eventually",
    "own_mounts",
]
