"""Servers that run the script, and servers that run vxland, in one segment with index VNIs."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from itertools import permutations

from tests.lab import BROADCAST, Container, Flow, Listener, Server, Site, drops, eventually
from tests.lab.site import ADDRESS, HEAD, config
from tests.scripts.vxlansetup import script, variables

FRAMES = 20  # of each flow that is counted
RATE = 200  # a second
NOTHING = """
for link in $(ip -br link show type vxlan | cut -d' ' -f1); do ip link del $link; done
ip link del vxbr0 2>/dev/null || true
ebtables -F
ebtables -X
nft delete table inet vxland-ingress 2>/dev/null || true
"""

ONCE, NEVER = "once", "never"

Lists = Mapping[int, Sequence[int]]  # each server's remotes by number, in its own order
Pair = tuple[str, str]


def delivered(lists: Lists, sender: int, receiver: int) -> bool:
    """Whether a broadcast arrives: a VNI is a position, which the receiver must have as well."""
    listed = lists[sender]
    return receiver in listed and listed.index(receiver) < len(lists[receiver])


def await_silence(listeners: Collection[Listener]) -> None:
    """Wait until nothing is on its way any more."""
    counts = [-1]

    def still() -> bool:
        counts.append(sum(listener.seen.total() for listener in listeners))
        return counts[-1] == counts[-2]

    eventually(still, "nothing is on its way any more", pause=0.1)


def told(flow: Flow, listener: Listener) -> str:
    """How much of a flow has arrived, in words that tell a loss and a copy."""
    numbers, copies = listener.numbers(flow.number), listener.copies(flow.number)
    if not numbers:
        return NEVER
    if copies == 1 and len(numbers) == flow.sent:
        return ONCE
    return f"{len(numbers)} of {flow.sent} frames, up to {copies} times"


def opens(one: Container, other: Container) -> bool:
    """Whether a ping comes back where neither knows the other yet."""
    for container in (one, other):
        container.sh("ip neigh flush dev eth0")
    return one.reaches(other.address)


class Segment:
    """A site whose servers get a list each, and the script or vxland."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.lists: Lists = {}
        self.scripted: frozenset[int] = frozenset()

    def lay_out(self, lists: Lists, scripted: Sequence[int]) -> None:
        """From whatever there was before to this mixture, with a container behind each bridge."""
        self.lists, self.scripted = lists, frozenset(scripted)
        for number in lists:
            self._clear(number)
        for number in lists:
            self._begin(number)
        self._containers(lists)

    def restart(self, number: int) -> None:
        """The server is started again: nothing of what it had is left, and all is made anew."""
        self._clear(number)
        self._begin(number)
        self._containers([number])

    def _server(self, number: int) -> Server:
        return self.site.servers[number - 1]

    def _clear(self, number: int) -> None:
        self._server(number).stop(kill=True)
        self._server(number).sh(NOTHING)

    def _begin(self, number: int) -> None:
        server, remotes = self._server(number), self.lists[number]
        if number in self.scripted:
            file = server.config.with_name("vxlansetup.sh")
            addresses = [ADDRESS.format(remote) for remote in remotes]
            file.write_text(script(variables(ADDRESS.format(number), addresses)))
            server.run(["bash", "-e", str(file), "start"])
        else:
            server.write(config((*remotes, number), f'{HEAD}vni = "index"\n'))
            server.start(wait=False)

    def _containers(self, numbers: Sequence[int] | Lists) -> None:
        for number in numbers:
            server = self._server(number)
            if number not in self.scripted:
                server.settled()
            if len(self.site.containers) < len(self.lists):
                self.site.containers.append(Container(server, number))
            else:
                port = self.site.containers[number - 1].port
                server.sh(f"ip link set {port} master vxbr0")

    def _comes(self, sender: int, receiver: int) -> bool:
        """Whether a broadcast does: vxland takes none from a server that isn't in its list."""
        known = receiver in self.scripted or sender in self.lists[receiver]
        return known and delivered(self.lists, sender, receiver)

    def wanted(self) -> dict[Pair, str]:
        """By names of containers: what of the first one's broadcasts is to come to the other."""
        return {
            (one.name, other.name): ONCE if self._comes(one.number, other.number) else NEVER
            for one, other in permutations(self.site.containers, 2)
        }

    def check_opening(self) -> None:
        """Exactly where a broadcast is to come, a connection can be opened."""
        for one, other in permutations(self.site.containers, 2):
            if self._comes(one.number, other.number):
                eventually(lambda: opens(one, other), f"{one.name} reaches {other.name}")  # noqa: B023
            else:
                assert not opens(one, other), f"{one.name} reaches {other.name}"

    def broadcasts(self) -> dict[Pair, str]:
        """What of each container's broadcasts comes to each other one."""
        return self._counted(lambda _: BROADCAST, self.wanted())

    def unicasts(self) -> dict[Pair, str]:
        """What comes of frames from each to each other, whose addresses are known."""
        return self._counted(lambda listener: listener.mac, dict.fromkeys(self.wanted(), ONCE))

    def _counted(
        self, target: Callable[[Listener], bytes], wanted: Mapping[Pair, str]
    ) -> dict[Pair, str]:
        """Counted once more, and once more, where a busy machine threw frames away meanwhile."""
        for _ in range(2):
            before = drops()
            seen = self._count(target)
            if seen == wanted or drops() == before:
                return seen
        return self._count(target)

    def _count(self, target: Callable[[Listener], bytes]) -> dict[Pair, str]:
        with ExitStack() as stack:
            heard = {c.name: stack.enter_context(Listener(c)) for c in self.site.containers}
            flows: dict[Pair, Flow] = {}
            for one, other in permutations(self.site.containers, 2):
                flow = Flow(one, target(heard[other.name]), RATE)
                flows[one.name, other.name] = stack.enter_context(flow)
            eventually(lambda: all(f.sent >= FRAMES for f in flows.values()), "all have sent")
            for flow in flows.values():
                flow.stop()
            await_silence(heard.values())
            return {pair: told(flow, heard[pair[1]]) for pair, flow in flows.items()}
