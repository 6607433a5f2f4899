"""Faults of ours while HTTP answers: whoever asks can cause one, and each is logged once."""

import logging

from vxland.process.faults import Faults

FAULTS = Faults("HTTP couldn't answer")


class _Faults(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        FAULTS.log(
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
