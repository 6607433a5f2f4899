"""What is done to a large mesh, once a second: the same deeds as tests/daemon tries one by one."""

import random

from bench.place import OVERLAY, Place, address, name
from tests.daemon.vandalism import TO_A_TUNNEL, TO_THE_BRIDGE, TO_THE_RULES
from vxland.identity import pair_device

# These leave something of others' behind each time, which nobody would take away again.
LEAVES = frozenset({"a rule before the jump", "a rule and a chain before the jump"})
RULES = tuple(TO_THE_RULES[what] for what in sorted(TO_THE_RULES.keys() - LEAVES))
BRIDGE = tuple(TO_THE_BRIDGE[what] for what in sorted(TO_THE_BRIDGE))
TUNNEL = tuple(TO_A_TUNNEL[what] for what in sorted(TO_A_TUNNEL))
RULES_SHARE, BRIDGE_SHARE = 0.08, 0.02  # of all deeds; the bridge's may take all tunnels along


class Drift:
    """Deeds by chance, and the file's last peer on and off once in a while."""

    def __init__(self, place: Place, text: str, peers: int, seed: int) -> None:
        self._place = place
        self._texts = (text, f"{text}disabled = true\n")  # the last lines are the last peer's
        self._peers = peers
        self._chance = random.Random(seed)  # noqa: S311 - chosen to be repeated, no secret

    def deed(self) -> None:
        """One of them; some find nothing to be done to, when the one before isn't mended yet."""
        self._place.run(["sh", "-c", self._script()], check=False)

    def edit(self, number: int) -> None:
        """Save the other of two files."""
        self._place.write(self._texts[number % 2])

    def _script(self) -> str:
        kind = self._chance.random()
        one, other = self._chance.sample(range(2, self._peers + 1), 2)
        if kind < RULES_SHARE:
            return self._chance.choice(RULES)
        deeds = BRIDGE if kind < RULES_SHARE + BRIDGE_SHARE else TUNNEL
        return self._chance.choice(deeds).script(
            T=pair_device(OVERLAY, name(one)),
            OTHER=pair_device(OVERLAY, name(other)),
            PEER=address(one),
            B="vxbr0",
        )
