"""A site whose answers a test sets, on a real server."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Gauge

from vxland.http import Server, Site
from vxland.metrics.text import answer
from vxland.settings import HttpSettings
from vxland.status.shape import Json

ANY = HttpSettings(listen=("127.0.0.1", 0))


@dataclass
class Stage:
    """What the server is to say."""

    status: Callable[[], Json] = lambda: {"in_sync": True}
    events: Callable[[], Json] = lambda: {"events": []}
    why_dead: str | None = None
    why_unready: str | None = None
    metrics: CollectorRegistry = field(default_factory=CollectorRegistry)
    port: int = 0

    def answer(self, name: str) -> Json:
        """What is set for it now."""
        made: Json = getattr(self, name)()
        return made

    def site(self) -> Site:
        """As the server knows it."""
        return Site(
            lambda accept: answer(self.metrics, accept),
            lambda: self.answer("status"),
            lambda: self.answer("events"),
            lambda: self.why_dead,
            lambda: self.why_unready,
        )


@contextmanager
def served(stage: Stage, settings: HttpSettings = ANY) -> Iterator[Server]:
    """The stage, answering; its port is in it."""
    Gauge("vxland_test", "For tests.", registry=stage.metrics).set(1)
    server = Server(stage.site())
    server.listen(settings)
    try:
        assert server.problem is None
        stage.port = port_of(server)
        yield server
    finally:
        server.close()


def port_of(server: Server) -> int:
    """Where it listens."""
    assert server._thread is not None
    return int(server._thread.listener.getsockname()[1])
