"""A laboratory: servers and containers as network namespaces on this machine's own kernel."""

from tests.lab.frames import BROADCAST, Flow, Listener, Tap, broadcast
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
    "Moments",
    "Namespace",
    "Server",
    "Site",
    "Tap",
    "broadcast",
    "eventually",
    "own_mounts",
]
