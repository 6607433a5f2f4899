"""The daemon put together: sources ring, the reconciler turns, everybody else is told."""

import contextlib
import gc
import queue
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from msgspec.structs import replace

from vxland.config.file import ConfigFile
from vxland.config.watch import ConfigWatch
from vxland.control import Json
from vxland.control.server import Control, Reply, at_once
from vxland.http import Server, Site
from vxland.journal import Journal, Message
from vxland.kernel.counters import read_traffic
from vxland.kernel.encoding import prepare
from vxland.kernel.events import Events, LinkEvents, RuleEvents
from vxland.kernel.ingress_drops import read_dropped
from vxland.kernel.linux import LinuxKernel
from vxland.kernel.netlink import Netlink
from vxland.kernel.peer_counters import read_counters
from vxland.lookup import NameService
from vxland.loop.board import Board
from vxland.loop.hearsay import Hearsay
from vxland.loop.reconciler import READS_CONFIG, Reconciler
from vxland.metrics import Exposition, Sources, Totals, TunnelTotals
from vxland.metrics.kept_out import KeptOut
from vxland.outlook import counted
from vxland.process.doorbell import Doorbell, Trigger
from vxland.process.litter import picked_up
from vxland.process.lock import writer
from vxland.process.notify import Notifier
from vxland.process.precedence import Precedence
from vxland.settings import Settings
from vxland.status.build import Counts
from vxland.tables.meter import Counters
from vxland.traffic import Seen

PAUSE = 1.0  # seconds before the next look where the kernel couldn't be looked at
RELOADS = frozenset({Trigger.HANGUP, Trigger.REQUEST})
MENDABLE = frozenset({Trigger.NETLINK})


class Daemon:
    """One network namespace's vxland."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self._file = ConfigFile(path)
        self._first_settings = settings
        self._notifier = Notifier()
        self._journal = Journal()
        self._totals = Totals(t.name.lower() for t in Trigger if t is not Trigger.STOP)
        self._tunnel_totals = TunnelTotals()
        self._kept_out = KeptOut(read_dropped)
        self._precedence = Precedence()
        self._board = Board(self._count, self._precedence.give_way)
        self._waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def run(self) -> None:
        """Keep the node true until SIGTERM or SIGINT. Raises Busy, OSError."""
        with ExitStack() as stack:
            self._flag = stack.enter_context(writer())
            self._doorbell = stack.enter_context(Doorbell())
            self._hear_signals()
            kernel = stack.enter_context(LinuxKernel(keeps=True, answered=self._notifier.working))
            self._links = links = LinkEvents(
                Trigger.NETLINK, kernel.port_ids, farewell=self._tunnel_totals.farewell
            )
            events = [links, *_rule_events(kernel)]
            for source in events:
                self._doorbell.add(stack.enter_context(source))
            self._file.watch = ConfigWatch(Path(self._file.path), self._config_changed)
            self._file.watch.start()
            stack.callback(self._file.watch.stop)
            names = NameService(
                lambda: self._doorbell.ring(Trigger.NAMES), self._precedence.give_way
            )
            stack.callback(names.close)
            self._reconciler = Reconciler(
                kernel,
                self._file,
                self._first_settings,
                names,
                Hearsay(events, links, self._doorbell),
            )
            self._answer(events, stack)
            self._loop()
            self._notifier.stopping()
            self._journal.stopped()

    def _hear_signals(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self._doorbell.ring(Trigger.STOP))
        signal.signal(signal.SIGINT, lambda *_: self._doorbell.ring(Trigger.STOP))
        signal.signal(signal.SIGIO, signal.SIG_IGN)  # of a broken lease, config/writing.py
        signal.signal(signal.SIGHUP, lambda *_: self._doorbell.ring(Trigger.HANGUP))

    def _answer(self, events: Sequence[Events[Trigger]], stack: ExitStack) -> None:
        """Whoever asks from now on, by the control socket and, once a turn opens it, by HTTP."""
        board = self._board
        control = Control(
            {
                "status": at_once(board.status),
                "events": at_once(board.events),
                "reload": self._reload,
            },
            frozenset({"reload"}),
        )
        control.start()
        stack.callback(control.stop)
        self._http = Server(
            Site(
                metrics=Exposition(self._totals, self._tunnel_totals, self._sources(events)),
                status=board.status,
                events=board.events,
                dead=board.dead,
                unready=board.unready,
            )
        )
        stack.callback(self._http.close)

    def _sources(self, events: Sequence[Events[Trigger]]) -> Sources:
        """What metrics are made of when they are asked for."""
        return Sources(
            devices=self._devices,
            counters=self._counters,
            kept_out=self._kept_out.totals,
            since=lambda: self._board.chronicle.since,
            overruns=lambda: sum(source.overruns for source in events),
            fights=lambda: self._reconciler.fights_so_far,
            interval=lambda: self._reconciler.settings.interval,
            give_way=self._precedence.give_way,
        )

    def _count(self) -> Counts:
        """What the kernel counts, added up over the devices that a tunnel has had."""
        seen = counted(self._precedence.give_way)
        counters = self._counters() if self._tunnel_totals.counts_peers else Counters()
        report = self._board.report
        return replace(
            Counts.of(seen),
            traffic=self._tunnel_totals.totals(seen, counters),
            kept_out=self._kept_out.totals(report.desired) if report else {},
        )

    def _devices(self) -> dict[str, Seen]:
        """VXLAN devices as the kernel has them, read in the thread that asks. Raises OSError."""
        with Netlink() as netlink:
            return read_traffic(netlink, self._precedence.give_way)

    def _counters(self) -> Counters:
        """What nftables has counted for peers."""
        return read_counters(self._precedence.give_way)

    def _config_changed(self) -> None:
        self._doorbell.ring(Trigger.CONFIG)

    def _loop(self) -> None:
        self._turn(frozenset({Trigger.START}))
        self._notifier.ready()
        prepare()  # a start that finds all in order needn't, and a repair shouldn't wait for it
        gc.collect()
        picked_up()  # nor for a search of all that is here to stay: 45 ms at 1,000 peers
        checked = time.monotonic()  # the last time that everything was due to be looked at
        while True:
            next_check = checked + self._reconciler.settings.interval
            patience = self._patience(next_check)
            self._board.expect(patience)
            triggers = self._doorbell.wait(patience)
            self._board.expect(0)
            if Trigger.STOP in triggers:
                self._journal.mended(self._reconciler.mending.take_reports())
                return
            if time.monotonic() >= next_check:
                triggers |= self._interval_triggers()
            elif not triggers and (due := self._reconciler.next_try()) is not None:
                triggers |= {Trigger.RETRY} if due <= time.monotonic() else set()
            if triggers == MENDABLE and self._mend():
                triggers = frozenset()
            if (due := self._reconciler.mending.due) is not None and due <= time.monotonic():
                triggers |= MENDABLE
            if triggers:
                self._turn(triggers)
            if Trigger.INTERVAL in triggers:
                checked = time.monotonic()
            self._notifier.alive()  # after what was to be done at once
            self._journal.summarize()

    def _patience(self, next_check: float) -> float:
        """How long to wait, in seconds, for somebody to ring."""
        now = time.monotonic()
        waits = [next_check - now]
        dues = (
            self._reconciler.next_try(),
            self._reconciler.mending.due,
            self._journal.due(),
        )
        waits += [due - now for due in dues if due is not None]
        if (watchdog := self._notifier.watchdog_interval()) is not None:
            waits.append(watchdog)
        return max(0.0, min(waits))

    def _interval_triggers(self) -> frozenset[Trigger]:
        """At the interval the file is looked at too, in case its watch lost something."""
        if self._file.is_settled():
            return frozenset({Trigger.INTERVAL, Trigger.CONFIG})
        return frozenset({Trigger.INTERVAL})

    def _mend(self) -> bool:
        """Put right what rang, if that is possible without a turn."""
        # The turn tells of that.
        with self._precedence.taken(), contextlib.suppress(OSError, MemoryError):
            return self._reconciler.mending.mend()
        return False

    def _turn(self, triggers: frozenset[Trigger]) -> None:
        with self._precedence.taken():
            self._take_turn(triggers)
        self._flag.make_room()
        if self._board.trouble is not None:
            time.sleep(PAUSE)
            self._doorbell.ring(Trigger.RETRY)
            if not READS_CONFIG.isdisjoint(triggers):  # it may not have come to that
                self._doorbell.ring(Trigger.CONFIG)

    def _take_turn(self, triggers: frozenset[Trigger]) -> None:
        reload = not RELOADS.isdisjoint(triggers)
        if reload:
            self._notifier.reloading()
        # Who asked is answered by a turn that reads the file: the ring comes after the question.
        asked = self._waiting.qsize() if Trigger.REQUEST in triggers else 0
        answered = [self._waiting.get() for _ in range(asked)]
        try:
            report = self._reconciler.turn(triggers)
        except (OSError, MemoryError) as error:
            trouble = f"the kernel can't be looked at: {str(error) or 'out of memory'}"
            self._board.trouble_with(trouble)
            self._journal.trouble(Message.KERNEL_UNSEEN, f"{trouble}; trying again")
            self._serve()
            self._notifier.status(trouble)
        else:
            self._links.watch(self._reconciler.remotes)
            if report.anew:
                self._tunnel_totals.want(report.desired)
            self._totals.add(report)  # before the status, so that metrics are never behind it
            self._board.post(report)
            self._journal.trouble(Message.KERNEL_UNSEEN, None)
            self._journal.write(report)
            self._serve()
            said = filter(None, (report.summary, self._http.problem))
            self._notifier.status("; ".join(said))
        if reload:
            self._notifier.ready()
        for answer in answered:
            answer()

    def _serve(self) -> None:
        self._http.listen(self._reconciler.settings.http)
        self._journal.trouble(Message.NO_METRICS, self._http.problem)
        self._board.http_problem(self._http.problem)

    def _reload(self, reply: Reply) -> None:
        """Ring, and reply after the turn that answers."""
        self._waiting.put(lambda: reply(self._reloaded()))
        self._doorbell.ring(Trigger.REQUEST)

    def _reloaded(self) -> Json:
        if self._board.trouble is not None:
            return {"error": self._board.trouble}
        report = self._board.report
        return {"errors": list(report.config.errors) if report else []}


def _rule_events(kernel: LinuxKernel) -> list[Events[Trigger]]:
    """Where the kernel tells of rules; a kernel without nfnetlink leaves it to the interval."""
    try:
        return [RuleEvents(Trigger.RULES, kernel.ebtables.processes)]
    except OSError:
        return []
