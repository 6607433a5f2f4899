"""A laboratory: servers and containers as network namespaces on this machine's own kernel."""

from tests.lab.frames import Flow, Listener, broadcast
from tests.lab.namespaces import Namespace, own_mounts
from tests.lab.server import Server
from tests.lab.site import Container, Site
from tests.lab.waiting import eventually

__all__ = [
    "Container",
    "Flow",
    "Listener",
    "Namespace",
    "Server",
    "Site",
    "broadcast",
    "eventually",
    "own_mounts",
]
