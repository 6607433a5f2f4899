"""A scrape as Prometheus makes it, as text."""

import http.client
from contextlib import closing

from tests.lab import Server

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def scrape(server: Server, accept: str = "") -> str:
    """What /metrics says now, in the format that is asked for."""
    with closing(http.client.HTTPConnection("127.0.0.1", 9788, timeout=20)) as connection:
        with server.entered():
            connection.connect()
        connection.request("GET", "/metrics", headers={"Accept": accept} if accept else {})
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, text
        return text
