"""Faults of ours are logged once: whoever can cause one could fill the journal with it."""

import logging

LOG = logging.getLogger("vxland")
MOST = 10

_known: set[str] = set()


def log_fault(error: BaseException) -> None:
    """Log it with its traceback, unless it is known."""
    if repr(error) not in _known and len(_known) < MOST:
        _known.add(repr(error))
        LOG.error("HTTP couldn't answer", exc_info=error)


class _Faults(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        log_fault(
            record.exc_info[1]
            if record.exc_info and record.exc_info[1]
            else RuntimeError(record.getMessage())
        )


def quieten() -> None:
    """What clients do wrong, the libraries tell as warnings: it is theirs, and isn't logged."""
    for name in ("tornado", "asyncio"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.ERROR)
        logger.propagate = False
        logger.handlers = [_Faults()]
