"""Asking what host names stand for: /etc/hosts, then DNS, in threads that nobody waits for.

asyncio and dnspython are imported where there are names, which few have.
"""

from collections.abc import Mapping

from vxland.lookup.service import NameService
from vxland.underlay.names import Answer

__all__ = ["NameService", "ask"]


def ask(names: frozenset[str]) -> Mapping[str, Answer]:
    """What is known of each name once all were asked for, or a few seconds are over."""
    if not names:
        return {}
    from vxland.lookup.once import answers  # noqa: PLC0415

    return answers(names)
