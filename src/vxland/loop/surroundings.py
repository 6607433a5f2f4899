"""What the reconciler works with: a kernel, a configuration file, who asks for names."""

from collections.abc import Collection, Mapping
from typing import Protocol

from vxland import execution
from vxland.addresses import IPAddress
from vxland.model import Desired
from vxland.observed import Abroad, Claim, FarEnd, ForwardChain, Host, Observed, Since
from vxland.settings import Settings
from vxland.tables.meter import Counters, traffic
from vxland.tables.tally import shared
from vxland.traffic import Reading, Seen, readings
from vxland.underlay.names import Answer
from vxland.underlay.whereabouts import Sight


class Counting(Protocol):
    """Who counts."""

    def read_traffic(self) -> Mapping[str, Seen]:
        """What VXLAN devices have counted, by name."""

    def read_counters(self) -> Counters:
        """What nftables has counted for peers of shared VTEPs."""


class Kernel(execution.Kernel, Counting, Sight, Protocol):
    """What can be seen and done in this network namespace."""

    def look_again(
        self, before: Observed, touched: Collection[int], *, guards: Collection[str] = ...
    ) -> tuple[Observed, Since | None]:
        """The last look, with these devices as they are now, and the rules.

        And in what it may differ from that, where it is known. ``guards`` may be wanted anew.
        """

    def foresee(self, before: Observed, leaving: Collection[int]) -> tuple[Observed, Since]:
        """The last look without these devices: no look, but what one may see in a moment."""

    def host_again(self, before: Host, remotes: frozenset[IPAddress]) -> Host:
        """The same with routes to these, where nothing that it tells of has changed."""

    def read_back_some(self, names: Collection[str], touched: Collection[int]) -> Observed:
        """As ``read_back`` does, of these devices and those that were touched."""

    def look_abroad(self) -> tuple[Abroad, ...]:
        """Devices of vxland's that are in other namespaces."""

    def read_forward(self) -> tuple[ForwardChain, ...]:
        """Chains that bridged frames go through, and that drop by default."""

    def read_far_ends(self, bridges: frozenset[str]) -> Mapping[str, FarEnd]:
        """What containers have of the veths that are ports of these bridges, by port."""


class ConfigSource(Protocol):
    """Where the configuration comes from."""

    path: str

    @property
    def problem(self) -> str | None:
        """Why a change may go unnoticed, and what to do."""

    def is_being_written(self) -> bool:
        """Whether somebody is about to change it, so that it may be half of what it will be."""

    def read(self) -> Settings:
        """The configuration as it is now. Raises InvalidConfig."""


class Names(Protocol):
    """Who asks what host names stand for, in a time of its own."""

    def answers(self, names: frozenset[str]) -> Mapping[str, Answer]:
        """What is known of these names now. They and no others are asked for from now on."""

    def hurry(self) -> None:
        """Ask for all of them again now."""


class Others(Protocol):
    """Who else has a hand in devices and rules."""

    def culprit(self, *, rules: bool, within: float) -> str | None:
        """Who was seen changing rules, or else links and addresses, in the last so many seconds."""

    def touched(self) -> Collection[int] | None:
        """The devices that were changed since ``forget``; None where more was, or that isn't told.

        They have the numbers that the kernel's side knows them by.
        """

    def leaving(self) -> Collection[int]:
        """Those of which something went, if not they themselves."""

    def forget(self) -> None:
        """What was changed so far is about to be looked at."""

    def claims(self, desired: Desired, observed: Observed) -> tuple[Claim, ...]:
        """By files: which programs are to do something with vxland's devices, too."""


def counted(kernel: Counting, desired: Desired) -> dict[tuple[str, str], Reading]:
    """What was counted for each tunnel, on its device or for a shared one's peer."""
    peers = traffic(desired, kernel.read_counters()) if any(shared(desired)) else {}
    return {
        **readings(kernel.read_traffic()),
        **{key: Reading(0, passed) for key, passed in peers.items()},
    }
