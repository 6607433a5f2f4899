"""Who looks on, and sees what must never be: loops, open doors, and what others lost."""

from collections.abc import Iterator

from msgspec.structs import replace

from tests.core.gate import Ways, ways
from tests.lab import Namespace, eventually
from tests.lab.worker import Worker
from vxland.hazards import looping_pairs
from vxland.kernel.attributes import read_text, text
from vxland.kernel.generation import NFGENMSG
from vxland.kernel.linux import LinuxKernel
from vxland.kernel.netlink import NETLINK_NETFILTER, Netlink
from vxland.kernel.transactions import BODY, GETCHAIN, GETRULE, GETTABLE, SUBSYSTEM
from vxland.kernel.wire import HEADER, attributes
from vxland.model import Desired
from vxland.observed import EbtablesState, Observed
from vxland.ownership import is_own
from vxland.process.closing import Closing

ALL_FILTERED = Desired("", ())
LOOKS = 3
PAUSE = 0.02  # seconds between two of them
GETSET, GETSETELEM = 10, 13  # NFT_MSG_…
TABLE, NAME = 1, 2  # NFTA_TABLE_NAME and the others' …_TABLE; NFTA_SET_NAME, NFTA_SET_ELEM_LIST_SET
BRIDGE = 7  # NFPROTO_BRIDGE
SHARED = (BRIDGE, "filter")  # ebtables', whose rules are looked at one by one
THEIRS = """
ip link add fbr type bridge && ip link add g0 type veth peer name g1 && ip link set g0 master fbr
ip link add fvx0 type vxlan id 99 remote 10.0.0.9 dstport 4790 && ip link set fvx0 master fbr up
ebtables -A FORWARD -i g0 -j ACCEPT
nft 'add table inet theirs; add chain inet theirs c { type filter hook input priority 0; }'
nft 'add set inet theirs s { type ipv4_addr; }; add element inet theirs s { 192.0.2.99 }'
nft 'add rule inet theirs c ip saddr @s drop; add table bridge theirs'
"""


class Witness(Closing):
    """One of the namespace that this thread is in, with sockets of its own."""

    def __init__(self) -> None:
        self._kernel = LinuxKernel()
        self._rules = Netlink(NETLINK_NETFILTER)
        self._theirs = self._strangers(self.observe())
        self._ways = Ways()
        assert any(isinstance(one, tuple) for one in self._theirs), "there is nothing to lose"

    def close(self) -> None:
        """Close the sockets."""
        self._kernel.close()
        self._rules.close()

    def observe(self) -> Observed:
        """Everything, as it is now."""
        return self._kernel.observe(others=True)

    def ways(self) -> Ways:
        """Who gets in now."""
        return ways(self._kernel.observe(), ALL_FILTERED)

    def begin(self) -> None:
        """What is open now has been opened by somebody else."""
        self._ways = self.ways()

    def look(self, *, refused: bool = False) -> list[str]:
        """What is wrong at this moment; ``refused``: the table that filters couldn't be written."""
        wrong, self._ways = self._judge(refused=refused)
        return wrong

    def look_hard(self) -> list[str]:
        """What is wrong while everything goes on: one look may see the half of a change."""
        wrong, now = self._judge()
        for _ in range(LOOKS - 1):
            if wrong:
                wrong, now = self._judge()
        self._ways = now
        return wrong

    def _judge(self, *, refused: bool = False) -> tuple[list[str], Ways]:
        seen = self.observe()
        wrong = []
        if looping := looping_pairs(seen):
            wrong.append(f"frames could loop: {looping}")
        if (theirs := self._strangers(seen)) != self._theirs:
            wrong.append(f"others' things changed: {theirs ^ self._theirs}")
        now = ways(seen, ALL_FILTERED)
        return [*wrong, *now.worse(self._ways, refused=refused)], now

    def _strangers(self, seen: Observed) -> frozenset[object]:
        """All that isn't vxland's; what the kernel does with carriers by itself isn't looked at."""
        links = {replace(link, running=True) for link in seen.links.values() if not is_own(link)}
        rules: set[object] = {repr(seen.ebtables)}
        if isinstance(seen.ebtables, EbtablesState):
            rules = {rule.text for rule in seen.ebtables.forward if "VXLAND" not in rule.text}
        return frozenset({*links, *rules, *self._tables()})

    def _tables(self) -> Iterator[tuple[int, int, bytes]]:
        """nftables' tables but for vxland's, with all that is in them, as the kernel tells it."""
        for kind in (GETTABLE, GETCHAIN, GETRULE, GETSET):
            for message in self._rules.dump(_asking(kind)):
                family, seen = message[HEADER.size], dict(attributes(message, BODY))
                table = read_text(seen[TABLE])
                if table.startswith("vxland") or (family, table) == SHARED:
                    continue
                yield kind, family, message[BODY:]
                if kind == GETSET:
                    parts = (text(TABLE, table), text(NAME, read_text(seen[NAME])))
                    for elements in self._rules.dump(_asking(GETSETELEM, family, *parts)):
                        yield GETSETELEM, family, elements[BODY:]


class Watching(Worker):
    """A witness who looks at a namespace again and again; all that isn't vxland's is there."""

    def __init__(self, namespace: Namespace) -> None:
        self._looks = 0
        self._wrong: list[str] = []
        self._namespace = namespace
        with namespace.entered():
            self._witness = Witness()
        super().__init__()

    def told(self) -> list[str]:
        """What was wrong since somebody asked last, up to now."""
        looks = self._looks
        eventually(lambda: self._looks > looks + 1, "it looks once more")
        told, self._wrong = self._wrong, []
        return [*dict.fromkeys(told)]

    def _work(self) -> None:
        with self._namespace.entered():
            while not self.ended.wait(PAUSE):
                self._wrong += self._witness.look_hard()
                self._looks += 1

    def _close(self) -> None:
        self._witness.close()


def _asking(kind: int, family: int = 0, *parts: bytes) -> bytes:
    body = NFGENMSG.pack(family, 0, 0) + b"".join(parts)
    return HEADER.pack(HEADER.size + len(body), SUBSYSTEM << 8 | kind, 0, 0, 0) + body
