"""The metrics over HTTP, by prometheus-client's own server."""

import logging
from collections.abc import Callable

from prometheus_client import CollectorRegistry, start_http_server

LOG = logging.getLogger("vxland")

Listen = tuple[str, int] | None  # host and port; None: no HTTP


class MetricsServer:
    """Answers where the configuration says; where that can't be had, it says so and goes on."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._listen: Listen = None
        self._refused: tuple[Listen, str] | None = None  # the last that couldn't be had, and why
        self._end: Callable[[], None] = _nothing

    def listen(self, listen: Listen) -> None:
        """Move to this host and port, if it isn't there already."""
        if listen == self._listen:
            return
        self.close()
        if listen is None:
            return
        host, port = listen
        try:
            server, thread = start_http_server(port, host, self._registry)
        except OSError as error:
            self._complain(listen, error.strerror or str(error))
            return

        def end() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        self._end, self._listen, self._refused = end, listen, None

    def _complain(self, listen: tuple[str, int], cause: str) -> None:
        """Say once why there are no metrics; it is tried again at every turn."""
        if self._refused != (listen, cause):
            self._refused = (listen, cause)
            where = f"{listen[0]} port {listen[1]}"
            LOG.error("no metrics: cannot listen on %s: %s. Change listen in [http]", where, cause)

    def close(self) -> None:
        """Answer no more."""
        self._end()
        self._end, self._listen = _nothing, None


def _nothing() -> None:
    """There is no server to end."""
