"""What each vandal does, and to which node, drawn from a seed: shell lines, and signals."""

import random
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.chaos.node import BRIDGE, NODES, NUMBERS, Node
from tests.daemon.vandalism import TO_A_TUNNEL, TO_THE_BRIDGE, TO_THE_RULES

# Vandals of one tunnel could take both its marks between them, after which it isn't vxland's.
TAKES_THE_OTHER_MARK = frozenset({"altname removed"})
# Halfway it is nobody's device; another vandal who takes its name then leaves it so.
UNMARKED_HALFWAY = frozenset({"made anew with another VNI"})
TAKES_THE_ISOLATION = frozenset(
    {
        "isolation cleared by bridge",
        "isolation cleared by ip",
        "isolation cleared by sysfs",
        "moved to another bridge",
    }
)
TAKES_THE_NAME = frozenset(
    {
        "renamed while down",
        "renamed while up",
        "renamed like another tunnel",
        "names exchanged",
        "all at once",
    }
)
BRIDGE_DEEDS = TO_THE_BRIDGE.keys() - {
    "altname",  # the other mark, again
    "address deleted",  # it has none
    "every tunnel and the bridge deleted",
}
UNDERLAY = "ip link set eth0 down; sleep 0.2; ip link set eth0 up"
NO_NAMESPACE = "ip netns del elsewhere; ip netns add elsewhere"  # with the tunnels in it
# From Linux 6.9 on they are the daemon's, and this is done only while it is dead.
TO_THE_TABLES = (
    "nft delete table bridge vxland",
    "nft delete table inet vxland-ingress",
    "nft flush set inet vxland-ingress vnis",
    "nft flush set inet vxland-ingress peers4",
    "nft flush chain inet vxland-ingress input",
)


@dataclass(frozen=True, slots=True)
class Deed:
    """One of them: seconds to wait before it, where, and what."""

    pause: float
    node: Node
    script: str


def _about(*words: str) -> Callable[[Node], list[str]]:
    """The deeds to tunnels with one of these words in their names."""

    def scripts(node: Node) -> list[str]:
        out = TAKES_THE_OTHER_MARK | UNMARKED_HALFWAY
        out |= TAKES_THE_ISOLATION if node.loses_rules else TAKES_THE_NAME
        named = {what for what in TO_A_TUNNEL if any(word in what for word in words)}
        # A tunnel that leads to its own node hands its frames back to it; no guard sees that.
        lines = (TO_A_TUNNEL[what].line for what in sorted(named - out))
        return [line.replace("192.0.2.4", f"192.0.2.{node.peers[-1]}") for line in lines]

    return scripts


PORTS = ("bridge", "port", "isolation")
FDB = ("flood", "entry")
NAMESPACES = ("moved to another namespace", "and renamed", "and moved", "without its alias")


def _links(node: Node) -> list[str]:
    others = {line for words in (PORTS, FDB, NAMESPACES) for line in _about(*words)(node)}
    lines = [line for line in _about("")(node) if line not in others]
    if node.owns_bridge:
        lines += [TO_THE_BRIDGE[what].line for what in sorted(BRIDGE_DEEDS)]
    return [*lines, UNDERLAY]


def _namespaces(node: Node) -> list[str]:
    return [*_about(*NAMESPACES)(node), NO_NAMESPACE]


def _rules(node: Node) -> list[str]:
    return [
        *(TO_THE_RULES[what] for what in sorted(TO_THE_RULES)),
        *TO_THE_TABLES,
    ] * node.loses_rules


def _files(node: Node) -> list[str]:
    """$F is the configuration; beside it lie others, good and bad."""
    by_rename = "cp $F.{0} $F.new && mv $F.new $F"
    in_place = "cat $F.{0} > $F"
    many = "for i in 1 2 3 4 5 6 7 8 9 10; do cat $F.{0} > $F; cp $F.{1} $F.new; mv $F.new $F; done"
    names = sorted(texts(node))
    return [
        *(line.format(name) for line in (by_rename, in_place) for name in names),
        *(many.format(name, "good") for name in names),
        "rm $F",
        "mv $F $F.gone; sleep 0.1; mv $F.gone $F",
    ]


def texts(node: Node) -> dict[str, str]:
    """Files for a node, by a word."""
    text = node.text
    return {
        "good": text,
        "half": text[: len(text) // 2],
        "empty": "",
        "rubbish": "\0=[[",
        "unknown": f"{text}\n[unknown]\n",
        "ttl": text.replace("reattach", "ttl = 9\nreattach"),
        **{f"without{peer}": _without(text, peer) for peer in node.peers},
    }


def _without(text: str, peer: int) -> str:
    last = f'address = "192.0.2.{peer}"\n'
    return text.replace(last, f"{last}disabled = true\n")


@dataclass(frozen=True, slots=True)
class Blow:
    """A deed to a daemon: seconds to wait before it, whose, and what it is sent."""

    pause: float
    number: int
    signal: signal.Signals


SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP, signal.SIGHUP)
BLOW_PAUSE = 1.5  # seconds, on average


def blows(seed: int, seconds: float) -> Iterator[Blow]:
    """What befalls daemons for so long: the same for the same seed."""
    chance = random.Random(f"{seed} daemons")  # noqa: S311 - chosen to be repeated
    while seconds > 0:
        pause = round(chance.uniform(0.5, 1.5) * BLOW_PAUSE, 3)
        yield Blow(pause, chance.choice(NUMBERS), chance.choice(SIGNALS))
        seconds -= pause


@dataclass(frozen=True, slots=True)
class Vandal:
    """A process of its own. ``pause`` is how long it waits between two deeds, on average."""

    name: str
    pause: float
    scripts: Callable[[Node], Sequence[str]]

    def deeds(self, seed: int, seconds: float) -> Iterator[Deed]:
        """What it does for so long: the same for the same seed."""
        chance = random.Random(f"{seed} {self.name}")  # noqa: S311 - chosen to be repeated
        of = {node: scripts for node in NODES if (scripts := self.scripts(node))}
        while seconds > 0:
            pause = round(chance.uniform(0.5, 1.5) * self.pause, 3)
            node = chance.choice(list(of))
            one, other = chance.sample(node.peers, 2)
            names = {
                "T": f"vxl-lan-lxd{one}",
                "OTHER": f"vxl-lan-lxd{other}",
                "PEER": f"192.0.2.{one}",
                "B": BRIDGE,
            }
            given = " ".join(f"{name}={value}" for name, value in names.items())
            yield Deed(pause, node, f"export {given}\n{chance.choice(of[node])}")
            seconds -= pause


VANDALS = (
    Vandal("links", 0.4, _links),
    Vandal("ports", 0.4, _about(*PORTS)),
    Vandal("fdb", 0.4, _about(*FDB)),
    Vandal("namespaces", 1.0, _namespaces),
    Vandal("rules", 1.0, _rules),
    Vandal("files", 1.0, _files),
)
