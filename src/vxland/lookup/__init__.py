"""Asking what host names stand for: /etc/hosts, then DNS, in threads that nobody waits for."""

from vxland.lookup.once import ask
from vxland.lookup.service import NameService

__all__ = ["NameService", "ask"]
