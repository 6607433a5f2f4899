"""Values that are strings with a form of their own: durations, an address to listen on."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

INTERVAL_SHORTEST = 0.1  # seconds: a full check takes some milliseconds, and must leave room
INTERVAL_LONGEST = 86400.0
PORT_LIMIT = 65535

DURATION_PATTERN = r"^(?=.)([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"

FILE_PATTERN = r"^/[^\x00-\x1f\x7f]*[^/\x00-\x1f\x7f]$"

_DURATION = re.compile(
    r"(?=.)(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?(?:([0-9]{1,9})ms)?"
)
_SECONDS = (3600.0, 60.0, 1.0, 0.001)
_LISTEN = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:\[\]]+)):(?P<port>[0-9]{1,5})")


class Unusable(ValueError):
    """A value that won't do: why, and what to do."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


def seconds(text: str) -> float:
    """How long ``1m30s`` is. Raises Unusable."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise Unusable(
            "is not a duration",
            'Write a number with its unit (h, m, s or ms), like "30s", "1m30s" or "500ms"',
        )
    parts = zip(match.groups(default="0"), _SECONDS, strict=True)
    return sum(int(number) * unit for number, unit in parts)


def interval(text: str) -> float:
    """A duration between full checks, in seconds. Raises Unusable."""
    value = seconds(text)
    if not INTERVAL_SHORTEST <= value <= INTERVAL_LONGEST:
        raise Unusable("is out of bounds", 'Write a duration from "100ms" to "24h", like "30s"')
    return value


def listen(text: str) -> tuple[str, int] | None:
    """Address and port of ``127.0.0.1:9788`` or ``[::1]:9788``; None for "". Raises Unusable.

    No name but localhost (RFC 6761, section 6.3): looking one up could take long, at boot for ever.
    """
    if not text:
        return None
    match = _LISTEN.fullmatch(text)
    host = match and (_literal_v6(match["v6"]) if match["v6"] is not None else _host(match["host"]))
    if not match or not host or not 1 <= int(match["port"]) <= PORT_LIMIT:
        raise Unusable(
            "is not an address to listen on",
            'Write address and port, like "127.0.0.1:9788", "0.0.0.0:9788" or "[::]:9788";'
            ' "" turns it off',
        )
    return host, int(match["port"])


def file(text: str) -> str:
    """The path of a file, whatever folder the daemon runs in. Raises Unusable."""
    if not re.fullmatch(FILE_PATTERN, text):
        raise Unusable("is not the whole path of a file", 'Write it from "/" on')
    return text


def _literal_v6(text: str) -> str | None:
    try:
        IPv6Address(text)
    except AddressValueError:
        return None
    return text


def _host(text: str) -> str | None:
    if text == "localhost":
        return "127.0.0.1"
    try:
        IPv4Address(text)
    except AddressValueError:
        return None
    return text
