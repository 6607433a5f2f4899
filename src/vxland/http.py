"""The metrics over HTTP, by prometheus-client's own server."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, start_http_server

Listen = tuple[str, int] | None  # host and port; None: no HTTP


class MetricsServer:
    """Answers where the configuration says; where that can't be had, ``problem`` says so.

    It is tried again whenever it is told where to listen.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._listen: Listen = None
        self.problem: str | None = None  # why there are no metrics, and what to do
        self._end: Callable[[], None] = _nothing

    def listen(self, listen: Listen) -> None:
        """Move to this host and port, if it isn't there already."""
        if listen == self._listen:
            return
        self.close()
        if listen is None:
            self.problem = None
            return
        host, port = listen
        try:
            server, thread = start_http_server(port, host, self._registry)
        except OSError as error:
            self.problem = (
                f"no metrics: cannot listen on {host} port {port}: {error.strerror or error}."
                f" Stop what holds it (ss -tlnp 'sport = :{port}'), or change listen in [http]"
            )
            return

        def end() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        self._end, self._listen, self.problem = end, listen, None

    def close(self) -> None:
        """Answer no more."""
        self._end()
        self._end, self._listen = _nothing, None


def _nothing() -> None:
    """There is no server to end."""
