"""A namespace as iproute2 and ebtables-save show it: independent of vxland's own eyes."""

import json
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tests.lab import Namespace
from tests.lab.waiting import PATIENCE, PAUSE

Json = dict[str, Any]
T = TypeVar("T")

# What changes by itself, or says only in which order ports came into a bridge.
RESTLESS = frozenset(
    {
        "ifindex",
        "hello_timer",
        "tcn_timer",
        "topology_change_timer",
        "gc_timer",
        "hold_timer",
        "message_age_timer",
        "forward_delay_timer",
        "topology_change_ack",
        "id",  # of a bridge port; a VXLAN device's is kept below
        "no",
        "designated_port",
        "tentative",  # an IPv6 address in its first second
        "operstate",  # of a bridge in its first moment
        "tso_max_size",  # of a bridge: the smallest of its ports'
        "fdb_n_learned",  # of a bridge, as iproute2 6.12 and later show it
    }
)
CUT = "---- cut ----"
LOOK = f"; echo '{CUT}'; ".join(
    ("ip -d -j link show", "ip -j addr show", "bridge -j fdb show", "ebtables-save")
)
EMPTY_TABLE = ("*filter", ":INPUT ACCEPT", ":FORWARD ACCEPT", ":OUTPUT ACCEPT")


@dataclass(frozen=True)
class Snapshot:
    """What a person would see, without counters, timers and interface indexes."""

    links: dict[str, Json]
    addresses: dict[str, list[Json]]
    fdb: dict[str, list[Json]]  # static entries for unicast and flooding, by device
    rules: tuple[str, ...]  # of ebtables
    indexes: dict[str, int]

    def of(self, names: Collection[str]) -> tuple[object, ...]:
        """All about these devices, and other people's rules: what stays, to the letter."""
        by_name = (self.links, self.addresses, self.fdb, self.indexes)
        return (*(_some(part, names) for part in by_name), without_own(self.rules))

    @property
    def still(self) -> tuple[object, ...]:
        """All that must come back: everything but the indexes."""
        return (self.links, self.addresses, self.fdb, self.rules)


def snapshot(namespace: Namespace) -> Snapshot:
    """How the namespace is now."""
    links, addresses, fdb, rules = namespace.sh(LOOK).split(f"{CUT}\n")
    return Snapshot(
        links={link["ifname"]: _link(link) for link in json.loads(links) if link},
        addresses={
            link["ifname"]: sorted((_calm(a) for a in link["addr_info"]), key=str)
            for link in json.loads(addresses)
            if link
        },
        fdb=_fdb(json.loads(fdb)),
        rules=parse_rules(rules.splitlines()),
        indexes={link["ifname"]: link["ifindex"] for link in json.loads(links) if link},
    )


def rules(namespace: Namespace) -> tuple[str, ...]:
    """The rules of ebtables as they are now."""
    return parse_rules(namespace.sh("ebtables-save").splitlines())


def parse_rules(saved: Iterable[str]) -> tuple[str, ...]:
    """The lines of ebtables-save without its comments.

    A table of ebtables-nft whose built-in chains accept everything is none: it comes into being
    with whatever ebtables command is the first, does nothing, and ebtables has no word to remove
    it with.
    """
    lines = tuple(line for line in saved if line and not line.startswith("#"))
    return () if lines == EMPTY_TABLE else lines


def has_addresses(namespace: Namespace) -> bool:
    """Whether every device has the IPv6 address that the kernel gives it once it has a carrier.

    That, and finding out that nobody else has it, takes a second or two.
    """
    links = namespace.json("ip -d -j addr show")
    return all(
        any(a["scope"] == "link" and "tentative" not in a for a in link["addr_info"])
        for link in links
        if "LOWER_UP" in link["flags"]
        and "LOOPBACK" not in link["flags"]
        and link.get("linkinfo", {}).get("info_kind") != "vxlan"
    )


def without_own(lines: Iterable[str]) -> tuple[str, ...]:
    """Other people's rules and chains."""
    return parse_rules(line for line in lines if "VXLAND" not in line)


def eventually_equal(
    expected: object, observe: Callable[[], object], note: Callable[[], str] = lambda: ""
) -> None:
    """Wait until it is seen as expected; says what differs where it never is."""
    started = time.monotonic()
    actual = observe()
    while actual != expected and time.monotonic() - started < PATIENCE:
        time.sleep(PAUSE)
        actual = observe()
    if actual != expected:  # printed, since hypothesis keeps no failure that doesn't recur
        print(note(), *differences("", expected, actual), sep="\n")
    assert_equal(expected, actual)


def assert_equal(expected: object, actual: object) -> None:
    """The same, with what differs told leaf by leaf: a snapshot is long."""
    assert list(differences("", expected, actual)) == []
    assert expected == actual


def differences(place: str, expected: object, actual: object) -> Iterator[str]:
    """What isn't the same, leaf by leaf."""
    one, other = _parts(expected), _parts(actual)
    if one is None or other is None:
        if expected != actual:
            yield f"{place}: {expected!r} became {actual!r}"
        return
    for name in dict.fromkeys((*one, *other)):
        yield from differences(f"{place}.{name}", one.get(name), other.get(name))


def _parts(value: object) -> Mapping[object, object] | None:
    """What a value consists of, by name or position; None where it is one itself."""
    if isinstance(value, Snapshot):
        return {"still": value.still, "indexes": value.indexes}
    if isinstance(value, Mapping):
        return value
    return dict(enumerate(value)) if isinstance(value, list | tuple) else None


def _link(link: Json) -> Json:
    vni = link.get("linkinfo", {}).get("info_data", {}).get("id")
    calm = _calm(link)
    return calm if vni is None else {**calm, "vni": vni}


def _calm(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {key: _calm(inner) for key, inner in value.items() if key not in RESTLESS}
    if isinstance(value, list):
        return [_calm(inner) for inner in value]
    return value


def _fdb(entries: Iterable[Json]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for entry in entries:
        multicast = bool(int(entry["mac"][:2], 16) & 1)  # the device's own groups come and go
        if entry["state"] in ("permanent", "static", "noarp") and not multicast:
            found.setdefault(entry["ifname"], []).append(entry)
    return {name: sorted(listed, key=str) for name, listed in found.items()}


def _some(by_name: Mapping[str, object], names: Collection[str]) -> dict[str, object]:
    return {name: value for name, value in by_name.items() if name in names}
