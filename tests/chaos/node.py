"""The nodes, and what of each may be vandalised so that one guard is always left.

Whoever takes both guards of several servers in the same moment has a storm until they are back,
whatever a daemon does (tests/loops has that). Here no storm is anybody's right, so a node either
keeps its rules, or its ports' ``isolated``.
"""

from dataclasses import dataclass

from tests.lab.site import HEAD, config

COUNT = 5
NUMBERS = range(1, COUNT + 1)
BRIDGE = "vxbr0"
TABLES = {1: "ebtables", 2: "ebtables", 3: "nftables", 4: "nftables", 5: "ebtables"}


@dataclass(frozen=True, slots=True)
class Node:
    """One of them, by number."""

    number: int

    @property
    def loses_rules(self) -> bool:
        """Its rules are vandalised, and the names they go by; else its ports' isolation is."""
        return self.number % 2 == 0

    @property
    def owns_bridge(self) -> bool:
        """vxland made its bridge, which is vandalised too; else it is somebody else's."""
        return self.number <= 3

    @property
    def exclusive(self) -> bool:
        """Nobody else may use its overlay's port."""
        return self.number == COUNT

    @property
    def peers(self) -> list[int]:
        """The numbers of the others."""
        return [number for number in NUMBERS if number != self.number]

    @property
    def head(self) -> str:
        """The file without its peers; its interval is never what puts things right."""
        guard = f'guard = ["isolated", "{TABLES[self.number]}"]\nreattach = true\n'
        guard += 'ingress = "exclusive"\n' * self.exclusive
        return f'[reconcile]\ninterval = "24h"\n{HEAD}{guard}'

    @property
    def text(self) -> str:
        """The file that counts in the end."""
        return config(NUMBERS, self.head)


NODES = tuple(Node(number) for number in NUMBERS)
