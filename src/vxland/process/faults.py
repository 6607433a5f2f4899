"""Faults of ours, each logged once: what can cause one again and again could fill the journal."""

import logging

LOG = logging.getLogger("vxland")
MOST = 10  # of one part's


class Faults:
    """Those of one part of the daemon; ``what`` is what it couldn't do."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._known: set[str] = set()

    def log(self, error: BaseException | None) -> None:
        """Log it with its traceback, unless it is known."""
        if isinstance(error, MemoryError):  # is the machine's, and the loop tells of it
            return
        if repr(error) not in self._known and len(self._known) < MOST:
            self._known.add(repr(error))
            LOG.error(self._what, exc_info=error)
