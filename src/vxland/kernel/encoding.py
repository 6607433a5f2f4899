"""pyroute2's messages, put together from parts: what many of them have in common is encoded once.

pyroute2 takes 60 to 250 microseconds to encode a message, which for the 7,000 of 1,000 tunnels is
longer than the kernel takes to do them all. Here it encodes each attribute that they share, once,
and the few that differ from tunnel to tunnel are encoded without it. It is imported when the first
message is made, or by ``prepare``, and no more of it than that takes.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from importlib import import_module
from ipaddress import ip_address
from typing import Any

from vxland.identity import GROUP
from vxland.kernel import links
from vxland.kernel.attributes import attribute, text
from vxland.kernel.lazily import lazily
from vxland.kernel.wire import HEADER, NLM_F_CREATE, NLM_F_EXCL

Attribute = tuple[Any, Any] | bytes  # by pyroute2's name; or encoded already
KNOWN, NAMES = 4096, 16_384  # attributes and names remembered
INDEX = HEADER.size + 4  # of the device: in each of these messages at the same place
ATTRIBUTES = HEADER.size + links.IFINFO.size  # of a link, where they begin
LENGTH = struct.Struct("=I")
NUMBER = struct.Struct("=i")
DST = 1  # NDA_DST
RTM_NEWLINK = 16


# What differs from device to device, or from entry to entry.
DIFFERENT: dict[str, Callable[[Any], bytes]] = {
    "IFLA_IFNAME": lru_cache(NAMES)(partial(text, links.IFNAME)),  # of each in most messages
    "IFLA_ADDRESS": lambda value: attribute(links.ADDRESS, bytes.fromhex(value.replace(":", ""))),
    "NDA_DST": lambda value: attribute(DST, ip_address(value).packed),
}


class Form:
    """One of pyroute2's message classes, by module and name."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name
        self._heads: dict[tuple[object, ...], bytes] = {}
        self._known: dict[tuple[str, str], bytes] = {}

    def prepare(self) -> Callable[[], Any]:
        """Import what it takes; returns the message class."""
        lazily("pyroute2")
        made: Callable[[], Any] = getattr(import_module(self._module), self._name)
        return made

    def encode(
        self,
        kind: int,
        attributes: Sequence[Attribute],
        *,
        request: int = 0,
        index: int = 0,
        **fields: int,
    ) -> bytes:
        """A message of this type; ``request`` are the header's own flags, ``fields`` the body's."""
        message = bytearray(self._head(kind, request, fields))
        if index:
            NUMBER.pack_into(message, INDEX, index)
        for part in attributes:
            message += part if type(part) is bytes else self.attribute(*part)
        LENGTH.pack_into(message, 0, len(message))
        return bytes(message)

    def attribute(self, name: str, value: Any) -> bytes:  # noqa: ANN401 - as pyroute2 takes it
        """An attribute by itself, as it stands in a message."""
        if (different := DIFFERENT.get(name)) is not None:
            return different(value)
        key = name, repr(value)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= KNOWN:
                self._known.clear()
            known = self._encoded([(name, value)])[len(self._encoded([])) :]
            self._known[key] = known
        return known

    def _head(self, kind: int, request: int, fields: Mapping[str, int]) -> bytes:
        key = kind, request, *fields.items()
        known = self._heads.get(key)
        if known is None:
            known = self._heads[key] = self._encoded([], kind, request, fields)
        return known

    def _encoded(
        self,
        attributes: Sequence[Attribute],
        kind: int = 0,
        request: int = 0,
        fields: Mapping[str, int] | None = None,
    ) -> bytes:
        message = self.prepare()()
        for name, value in (fields or {}).items():
            message[name] = value
        message["attrs"] = list(attributes)
        message["header"]["type"] = kind
        message["header"]["flags"] = request
        message.encode()
        return bytes(message.data)


LINK = Form("pyroute2.netlink.rtnl.ifinfmsg", "ifinfmsg")
ADDRESS = Form("pyroute2.netlink.rtnl.ifaddrmsg", "ifaddrmsg")
NEIGHBOUR = Form("pyroute2.netlink.rtnl.ndmsg", "ndmsg")


def linkinfo(kind: str, data: Sequence[Attribute], *, slave: bool = False) -> tuple[str, Any]:
    """A kind of device and its own attributes; ``slave``: those of a port of that kind."""
    part = "SLAVE_" if slave else ""
    attributes = [(f"IFLA_INFO_{part}KIND", kind), (f"IFLA_INFO_{part}DATA", {"attrs": data})]
    return ("IFLA_LINKINFO", {"attrs": attributes})


def new_link(attributes: Sequence[Attribute]) -> bytes:
    """What makes a link, born into vxland's group, but for its name."""
    born = [("IFLA_GROUP", GROUP), *attributes]
    return LINK.encode(RTM_NEWLINK, born, request=NLM_F_CREATE | NLM_F_EXCL)


def about(message: bytes, device: str, index: int) -> bytes:
    """A message about a link, with what it is about: a number; where there is none yet, a name.

    Attributes may have been added to it at its end.
    """
    if index:
        length, number = LENGTH.pack(len(message)), NUMBER.pack(index)
        rest = message[INDEX + NUMBER.size :]
        return b"".join((length, message[LENGTH.size : INDEX], number, rest))
    name = DIFFERENT["IFLA_IFNAME"](device)
    length = LENGTH.pack(len(message) + len(name))
    return b"".join((length, message[LENGTH.size : ATTRIBUTES], name, message[ATTRIBUTES:]))


def prepare() -> None:
    """Be ready to make messages, before the first is wanted in a hurry."""
    for form in (LINK, ADDRESS, NEIGHBOUR):
        form.prepare()
