"""Sends frames straight into tunnels, as a guest would, and sees what the other bridges answer.

Nothing has to run at the other end: its kernel answers by itself. An ARP probe for its underlay
address is answered whatever addresses the bridge has (arp_rcv: any local one will do, without
arp_ignore). An echo request is answered at the IPv6 address that goes with the bridge's MAC
address, which vxland computes from names. A reset answers TCP.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import cast

from msgspec import Struct, field

from vxland.addresses import IPAddress
from vxland.diagnosis.facts import Stray, Through
from vxland.diagnosis.targets import Target
from vxland.probe import frames
from vxland.probe.frames import Answer, From, Kind, To
from vxland.probe.wires import Wires

PATIENCE = 1.0  # seconds for an answer
TRIES = 3  # a packet may be lost by chance
CUTS = 4  # packets that a large segment is to be cut into
MOST_SHARED = 20  # silent peers of a shared device that are asked one by one: all get each frame

Key = tuple[str, str]


class _Trial(Struct):
    """One tunnel's run."""

    target: Target
    sender: From
    to: To  # the bridge that vxland would have made there; later on, whoever answered
    through: dict[str, bool] = field(default_factory=dict)  # by frame: whether it was answered
    sent: bool = False
    wire: bool = False
    arp: bytes = b""  # the bridge's MAC address, as it says itself
    macs: set[bytes] = field(default_factory=set)
    fits: int = 0

    @property
    def is_bridge(self) -> bool:
        """Whether it is the other bridge that answers, and not some guest there."""
        return self.to.mac in {self.arp, bytes.fromhex(self.target.peer_mac.replace(":", ""))}

    def note(self, name: str, answer: Answer) -> None:
        """What came out of the tunnel."""
        if answer.kind is Kind.TOO_BIG:  # so says this machine's own kernel
            self.fits = answer.fits
            return
        self.macs.add(answer.mac)
        if answer.kind is Kind.ARP:
            self.arp = answer.mac
            # One answer is like another: it is for the question that was asked last.
            if last := next((name for name in ("pieces", "arp") if name in self.through), ""):
                self.through[last] = True
            return
        # Who answers first is asked on, unless it is a guest, and the bridge answers, too.
        better = not self.through.get("echo") or answer.mac == self.arp
        if name == "echo" and better and isinstance(answer.address, IPv6Address):
            self.to = To(answer.mac, answer.address)
        self.through[name] = True

    def fact(self) -> Through:
        """How it went. That a guest takes no full-size frame tells nothing: its MTU may be less."""
        tried = self.through.get("full")
        return Through(
            sent=self.sent,
            wire=self.wire,
            answered=bool(self.arp or self.through.get("echo")),
            macs=frozenset(mac.hex(":") for mac in self.macs),
            full=self.through.get("full") or (None if not self.is_bridge else tried),
            fits=self.fits,
            pieces=self.through.get("pieces"),
            plain=self.through.get("plain"),
            checksum=self.through.get("checksum"),
            segments=self.through.get("segments"),
        )


def examine(
    targets: Sequence[Target], vnis: Iterable[int]
) -> tuple[Mapping[Key, Through], frozenset[Stray]]:
    """What goes through these tunnels, tried on all at once, and what came with unknown VNIs.

    ``vnis`` are those that devices here have. Raises OSError.
    """
    run = secrets.randbits(32)
    with Wires({target.port for target in targets}, vnis, run) as wires:
        examination = _Examination(targets, wires, run)
        examination.hello()
        for question in QUESTIONS:
            examination.ask(question)
        return (
            {trial.target.key: trial.fact() for trial in examination.trials},
            frozenset(wires.strays),
        )


class _Examination:
    def __init__(self, targets: Sequence[Target], wires: Wires, run: int) -> None:
        self.trials = [_begun(target, run) for target in targets]
        self._wires = wires
        self._probes: list[tuple[_Trial | None, str]] = []  # by number: whose, and which frame
        self._by_remote: dict[IPAddress, list[_Trial]] = defaultdict(list)
        self._by_mac: dict[bytes, list[_Trial]] = defaultdict(list)
        for trial in self.trials:
            self._by_remote[trial.target.ends.remote].append(trial)
            self._by_mac[trial.to.mac].append(trial)

    def hello(self) -> None:
        """Find out who answers at all."""
        for attempt in range(TRIES):
            silent = [trial for trial in self.trials if not trial.through.get("echo")]
            for device, trials in _by_device(silent).items():
                if trials[0].target.shared:
                    self._greet_all(device, trials, attempt)
                else:
                    self._greet(trials[0], attempt)
            self._listen(silent, "echo")

    def _greet(self, trial: _Trial, attempt: int) -> None:
        """By ARP, and by an echo request to the bridge, or, once that was in vain, to all nodes."""
        device, remote = trial.target.device, trial.target.ends.remote
        if isinstance(remote, IPv4Address) and not trial.arp:
            trial.sent |= self._wires.send(device, frames.arp_probe(trial.sender, remote))
        if trial.arp:
            trial.to = To(trial.arp, frames.link_local(trial.arp))
        trial.sent |= self._wires.send(device, frames.solicitation(trial.sender, trial.to))
        self._echo(trial, trial.to)
        if attempt:
            self._echo(trial, To(frames.ALL_NODES_MAC, frames.ALL_NODES))

    def _greet_all(self, device: str, trials: Sequence[_Trial], attempt: int) -> None:
        """Of a shared device, all peers at once: each frame goes to all of them anyway."""
        all_nodes = To(frames.ALL_NODES_MAC, frames.ALL_NODES)
        sender = trials[0].sender
        frame = frames.echo(sender, all_nodes, self._number(None, "echo"))
        sent = self._wires.send(device, frame)
        for trial in trials:
            trial.sent |= sent
        if attempt and len(trials) <= MOST_SHARED:
            for trial in trials:
                self._greet(trial, 0)

    def ask(self, question: "Question") -> None:
        """Send a frame to those who answered the one before."""
        asked = [
            trial
            for trial in self.trials
            if trial.through.get(question.after)
            and (trial.is_bridge or question.to_guests)
            and (trial.target.in_pieces or not question.in_pieces)
        ]
        send = self._wires.send_unfinished if question.card else self._wires.send
        for _ in range(TRIES):
            silent = [trial for trial in asked if not trial.through.get(question.name)]
            for trial in silent:
                device = trial.target.device
                self._wires.send(device, frames.solicitation(trial.sender, trial.to))
                trial.through[question.name] = False
                send(device, question.frame(trial, self._number(trial, question.name)))
            self._listen(silent, question.name)

    def _echo(self, trial: _Trial, to: To) -> None:
        frame = frames.echo(trial.sender, to, self._number(trial, "echo"))
        trial.sent |= self._wires.send(trial.target.device, frame)

    def _number(self, trial: _Trial | None, name: str) -> int:
        self._probes.append((trial, name))
        return len(self._probes) - 1

    def _listen(self, silent: Sequence[_Trial], name: str) -> None:
        if silent:
            self._wires.listen(
                PATIENCE,
                self._heard,
                self._seen,
                lambda: all(trial.through.get(name) for trial in silent),
            )

    def _heard(self, device: str, answer: Answer) -> None:
        """Something came out of a device."""
        asked, name = self._asked(answer)
        for trial in asked:
            if device == trial.target.device or device in trial.target.quiet:
                trial.note(name, answer)

    def _seen(self, vni: int, answer: Answer) -> None:
        """Something came to this machine, in a VXLAN packet."""
        for trial in self._asked(answer)[0]:
            trial.wire |= vni == trial.target.vni or vni in trial.target.quiet.values()

    def _asked(self, answer: Answer) -> tuple[Sequence[_Trial], str]:
        """Whom it may be about, and which frame it answers."""
        if answer.kind is Kind.ARP:
            return self._by_remote.get(answer.address, ()), "arp"
        if answer.number >= len(self._probes):
            return (), ""
        trial, name = self._probes[answer.number]
        return self._by_mac.get(answer.mac, ()) if trial is None else (trial,), name


def _begun(target: Target, run: int) -> _Trial:
    mac, peer = (bytes.fromhex(text.replace(":", "")) for text in (target.mac, target.peer_mac))
    return _Trial(target, From(mac, run), To(peer, frames.link_local(peer)))


def _by_device(trials: Iterable[_Trial]) -> dict[str, list[_Trial]]:
    found: dict[str, list[_Trial]] = {}
    for trial in trials:
        found.setdefault(trial.target.device, []).append(trial)
    return found


def _full(trial: _Trial, number: int) -> bytes:
    return frames.echo(trial.sender, trial.to, number, trial.target.whole)


def _arp(trial: _Trial, _: int) -> bytes:
    return frames.arp_probe(trial.sender, _remote(trial), trial.to.mac)


def _pieces(trial: _Trial, _: int) -> bytes:
    """Larger than a packet on the way; what isn't IP isn't answered by this kernel's own word."""
    return frames.arp_probe(trial.sender, _remote(trial), trial.to.mac, trial.target.mtu)


def _remote(trial: _Trial) -> IPv4Address:
    return cast("IPv4Address", trial.target.ends.remote)  # in_pieces


def _plain(trial: _Trial, number: int) -> bytes:
    return frames.segment(trial.sender, trial.to, number, frames.SMALL)


def _checksum(trial: _Trial, number: int) -> bytes:
    return frames.unfinished(trial.sender, trial.to, number, frames.SMALL, frames.SMALL)


def _segments(trial: _Trial, number: int) -> bytes:
    size = trial.target.whole
    return frames.unfinished(trial.sender, trial.to, number, size, _whole(size))


def _whole(size: int) -> int:
    """The length of a segment that is cut into CUTS packets of this size."""
    headers = frames.IPV6.size + frames.TCP.size
    return headers + CUTS * (size - headers)


class Question(Struct, frozen=True):
    """A frame that is sent to those who answered another one."""

    name: str  # of the fact in Through
    after: str
    frame: Callable[[_Trial, int], bytes]
    to_guests: bool = False  # also where only a guest answers
    in_pieces: bool = False  # only where the largest packets leave so
    card: bool = False  # it begins with what is left to the network card


QUESTIONS = (
    Question("full", "echo", _full, to_guests=True),
    Question("arp", "echo", _arp, in_pieces=True),
    Question("pieces", "arp", _pieces, in_pieces=True),
    Question("plain", "echo", _plain),
    Question("checksum", "plain", _checksum, card=True),
    Question("segments", "checksum", _segments, card=True),
)
