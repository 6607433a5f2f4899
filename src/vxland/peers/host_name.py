"""The peer source for host names, whose addresses a name service is asked for."""

import re

from vxland.addresses import IPAddress
from vxland.peers import literal

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$)(?=.*[A-Za-z]){_LABEL}(\.{_LABEL})*\.?")  # RFC 1123


def is_host_name(text: str) -> bool:
    """Whether it is written like a host name: labels, and a letter somewhere."""
    return not literal.accepts(text) and _HOST_NAME.fullmatch(text) is not None


def accepts(text: str) -> bool:
    """Whether it isn't written like an address: then it is a host name, right or wrong."""
    return not literal.accepts(text)


def problem(text: str) -> tuple[str, str] | None:
    """What is wrong with it and what to do; None where it can be asked for."""
    if not is_host_name(text):
        return ("is neither an IP address nor a host name", f"{literal.EXAMPLE}, or a host name")
    if text.lower().rstrip(".").split(".")[-1] == "localhost":  # RFC 6761, section 6.3
        return ("is whatever machine reads it", "Write the name of the one machine that is meant")
    return None


def lookup(text: str) -> IPAddress | None:  # noqa: ARG001 - as every source
    """Nothing: what a name stands for is asked elsewhere, and changes."""
    return None


def key(text: str) -> str | None:
    """What it is compared and asked for by; None where it isn't a host name."""
    return None if problem(text) else text.lower()


def families(text: str) -> frozenset[int]:
    """IP versions that its addresses may have: whichever DNS says one day."""
    return frozenset() if problem(text) else frozenset({4, 6})
