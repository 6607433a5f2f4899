"""Times and sizes for people."""

from datetime import UTC, datetime

from rich import filesize

from vxland.kernel.processes import legible

MINUTE, HOUR, DAY = 60, 3600, 86400
UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "min"))


def span(seconds: float) -> str:
    """Like ``3 min``; two of a larger unit at least, so that it never is too coarse."""
    for unit, name in UNITS:
        if seconds >= 2 * unit:
            return f"{seconds // unit:.0f} {name}"
    return f"{max(0.0, seconds):.0f} s"


def took(seconds: float | None) -> str:
    """How long something took, or lasted."""
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else span(seconds)


def moment(at: float, now: float) -> str:
    """The local time, with the date where it isn't today's."""
    then, today = (datetime.fromtimestamp(t, UTC).astimezone() for t in (at, now))
    return f"{then:%H:%M:%S}" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M:%S}"


def size(count: float) -> str:
    """Bytes, like ``1.2 MB``."""
    return filesize.decimal(int(count)).replace("bytes", "B").replace("byte", "B")


def clean(text: str) -> str:
    """A text that others may have had a part in, such that it can't play with a terminal."""
    return legible(text)
