"""The kernel where it tells what changes: what it told nothing of is as it was when it was seen.

Lost notifications tell of themselves. Whoever has no notifications is told of everything.
"""

import contextlib
from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from vxland.addresses import IPAddress
from vxland.execution import Failure
from vxland.loop.surroundings import Kernel, Others
from vxland.observed import Host, Observed, Since
from vxland.operations import Operation
from vxland.plan import View


class Onlooker:
    """Sees everything, by the last look and a look at what was ``touched`` since.

    Raises OSError as looks do. For one turn.
    """

    def __init__(self, kernel: Kernel, before: Observed, touched: Collection[int]) -> None:
        self._kernel = kernel
        self._seen = before
        self._touched = touched

    def observe(
        self,
        remotes: frozenset[IPAddress] = frozenset(),
        *,
        others: bool = False,
        guards: Collection[str] = (),
    ) -> Observed:
        """As the kernel does; all of it where others' rules are asked for, or a link changed."""
        seen = None
        if not others:
            with contextlib.suppress(OSError):  # what was touched has gone meanwhile, say
                seen = self._look(remotes, guards)
        if seen is None:
            seen = self._kernel.observe(remotes, others=others, guards=guards)
        self._seen, self._touched = seen, ()
        return seen

    def host(self, remotes: frozenset[IPAddress] = frozenset()) -> Host:
        """What the machine has apart from overlays."""
        return self._kernel.host_again(self._seen.host, remotes)

    def _look(self, remotes: frozenset[IPAddress], guards: Collection[str]) -> Observed | None:
        seen, since = self._kernel.look_again(self._seen, self._touched, guards=guards)
        if since is None or _differ(since, seen):
            return None  # what follows from links isn't as it was
        return replace(seen, abroad=None, host=self._kernel.host_again(seen.host, remotes))


def _differ(since: Since, seen: Observed) -> bool:
    links = since.before.links
    return any(links.get(name) != seen.links.get(name) for name in since.names)


class Hand:
    """The kernel, for carrying out a plan made from a part of it: that is all it reads back."""

    def __init__(self, kernel: Kernel, others: Others, view: View) -> None:
        self._kernel = kernel
        self._others = others
        self._observed = view.observed
        self._names = {vtep.device for vtep in view.desired.vteps()}
        self._names |= view.touched  # what should be gone by then among it

    def read_back(self) -> Observed:
        """What was planned for, what stands for the others, and what was touched meanwhile.

        No less is known so than by reading all: a port that isn't among them is as it was, since
        the kernel would have told; and one like it is. Rules that changed may be about any port.
        """
        touched = self._others.touched()
        if touched is not None:
            seen = self._kernel.read_back_some(self._names, touched)
            before = self._observed
            if (seen.ebtables, seen.nftables) == (before.ebtables, before.nftables):
                return seen
        return self._kernel.read_back()

    def perform(self, operations: Sequence[Operation]) -> Mapping[Operation, Failure]:
        """Do them."""
        return self._kernel.perform(operations)

    def settle(self) -> Mapping[Operation, Failure]:
        """Wait for what goes on."""
        return self._kernel.settle()
