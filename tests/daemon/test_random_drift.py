"""Several kinds of drift at once, at random, while the daemon works or while it is held up.

The same few examples every time. ``VXLAND_EXAMPLES=500 pytest --timeout=0 PATH`` looks for what
those don't find.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.daemon import strangers
from tests.daemon.daemon_view import quiet
from tests.daemon.kernel_view import Snapshot, eventually_equal, has_addresses, snapshot
from tests.daemon.test_drift import OVERLAY
from tests.daemon.vandalism import (
    TO_A_TUNNEL,
    TO_THE_BRIDGE,
    TO_THE_RULES,
    Vandalism,
)
from tests.lab import Namespace, Server, Site, eventually
from tests.lab.site import config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

MANY = os.environ.get("VXLAND_EXAMPLES")
SETTINGS = settings(
    max_examples=int(MANY) if MANY else 8,
    stateful_step_count=14,
    derandomize=not MANY,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),  # each step is the kernel's: shrinking would take hours
)
PEERS = (2, 3, 4)
STRANGERS = strangers.NAMES_ELSEWHERE


class Stage:
    """One server for all examples."""

    def __init__(self, server: Server, elsewhere: Namespace) -> None:
        self.server = server
        self.elsewhere = elsewhere
        server.start()
        eventually(lambda: has_addresses(server), "the kernel's own addresses are there")
        quiet(server)
        self.before = snapshot(server)

    def look(self) -> tuple[object, ...]:
        """What must come back."""
        return _restored(snapshot(self.server))


def _restored(seen: Snapshot) -> tuple[object, ...]:
    """All but other people's rules, which some deeds add to and others flush.

    And but for the bridge's link-local address, which the kernel makes of the MAC that the bridge
    has when it gets its carrier, whoever's it is.
    """
    made = [a for a in seen.addresses.get("vxbr0", []) if a["scope"] != "link"]
    addresses = {**seen.addresses, "vxbr0": made}
    own = [line for line in seen.rules if "VXLAND" in line]
    first = [line for line in seen.rules if line.startswith("-A FORWARD")][:1]
    strange = {name: index for name, index in seen.indexes.items() if name in STRANGERS}
    return (seen.links, addresses, seen.fdb, own, first, strange)


class Drift(RuleBasedStateMachine):
    """Deeds in any order; whenever the daemon isn't held up, all must come right again."""

    stage: Stage

    def __init__(self) -> None:
        super().__init__()
        self.held_up = False
        self.unmarked: dict[str, set[str]] = {}
        self.story: list[str] = []  # since all was right
        # Not as many repairs of one thing in ten seconds as to be a fight.
        self.stage.server.stop()
        self.stage.server.start()

    @precondition(lambda self: not self.held_up)
    @rule()
    def hold_up(self) -> None:
        """Several deeds are going to be one for the daemon."""
        self._daemon(signal.SIGSTOP)
        self.held_up = True

    @precondition(lambda self: self.held_up)
    @rule()
    def let_go(self) -> None:
        """It sees them all at once."""
        self._daemon(signal.SIGCONT)
        self.held_up = False

    @rule(name=st.sampled_from(sorted(TO_A_TUNNEL)), peer=st.sampled_from(PEERS))
    def vandalise_tunnel(self, name: str, peer: int) -> None:
        """Something is done to a tunnel, if it is still there under its name."""
        self._do(TO_A_TUNNEL[name], f"lxd{peer}", peer)

    @rule(name=st.sampled_from(sorted(TO_THE_BRIDGE)), peer=st.sampled_from(PEERS))
    def vandalise_bridge(self, name: str, peer: int) -> None:
        """Something is done to the bridge."""
        self._do(TO_THE_BRIDGE[name], "vxbr0", peer)

    @rule(name=st.sampled_from(sorted(TO_THE_RULES)))
    def vandalise_rules(self, name: str) -> None:
        """Something is done to the rules."""
        self._do(Vandalism(TO_THE_RULES[name]), "rules", 2)

    @precondition(lambda self: not self.held_up)
    @rule()
    def all_comes_right(self) -> None:
        """The kernel is as it was before the first deed, and the daemon quiet."""
        eventually_equal(_restored(self.stage.before), self.stage.look, self._tell)
        quiet(self.stage.server)
        eventually_equal({"lo"}, lambda: set(snapshot(self.stage.elsewhere).links), self._tell)
        self.unmarked.clear()
        self.story.clear()

    def _tell(self) -> str:
        return "\n".join([*self.story, self.stage.server.tail()])

    def teardown(self) -> None:
        """Whatever happened last."""
        if self.held_up:
            self.let_go()
        self.all_comes_right()

    def _do(self, deed: Vandalism, victim: str, peer: int) -> None:
        marks = self.unmarked.setdefault(victim, set())
        if deed.unmarks and marks - {deed.unmarks}:
            return  # what lost both marks isn't vxland's any more: a conflict, tested elsewhere
        marks |= {deed.unmarks} if deed.unmarks else set()
        other = peer % 3 + 2
        script = deed.script(
            T=f"vxl-lan-lxd{peer}", OTHER=f"vxl-lan-lxd{other}", PEER=f"192.0.2.{peer}", B="vxbr0"
        )
        self.story.append(f"{'held up: ' * self.held_up}{victim}: {deed.line}")
        self.stage.server.run(["sh", "-c", script], check=False)

    def _daemon(self, number: signal.Signals) -> None:
        daemon = self.stage.server.daemon
        assert daemon is not None
        daemon.send_signal(number)


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """One server of four, with other people's devices."""
    with ExitStack() as stack:
        elsewhere = Namespace("elsewhere")
        stack.callback(elsewhere.delete)
        (server,) = stack.enter_context(Site(folder, 1)).servers
        server.sh(strangers.ELSEWHERE)
        server.write(config(range(1, 5), OVERLAY))
        yield Stage(server, elsewhere)


@pytest.mark.timeout(0 if MANY else 120)
def test_any_drift_is_restored(tmp_path: Path) -> None:
    """Whatever is done in whatever order, all is as before in the end, and nothing foreign gone."""
    with staged(tmp_path) as stage:
        machine = type("Drift", (Drift,), {"stage": stage})
        run_state_machine_as_test(machine, settings=SETTINGS)
        assert "fight" not in stage.server.log.read_text()
