"""The metrics over HTTP, by prometheus-client's own server."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server

LOG = logging.getLogger("vxland")


@contextmanager
def serving(listen: tuple[str, int] | None, registry: CollectorRegistry) -> Iterator[None]:
    """Answer on this host and port meanwhile; where they can't be had, say so and go on without."""
    if listen is None:
        yield
        return
    host, port = listen
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        LOG.error(  # noqa: TRY400 - the cause is in the sentence
            "no metrics: cannot listen on %s port %d: %s. Change listen in [http]",
            host,
            port,
            error.strerror or error,
        )
        yield
        return
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
