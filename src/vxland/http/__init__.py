"""Metrics, health, status and the page over HTTP, for reading only."""

from vxland.http.server import Server
from vxland.http.site import Site

__all__ = ["Server", "Site"]
