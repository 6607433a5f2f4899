"""Everything that the diagnosis judges, gathered at once: what takes longest is to wait."""

import contextlib
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from vxland.diagnosis.facts import Facts, InputChain, Path, Stray, Through, Told
from vxland.diagnosis.targets import Ends, Target, targets
from vxland.kernel.counters import read_traffic
from vxland.kernel.ingress_drops import read_dropped
from vxland.kernel.netlink import Netlink
from vxland.model import Desired
from vxland.observed import Observed
from vxland.probe.input_rules import dropping_chains
from vxland.probe.machine import checksum_errors, features, is_synchronized
from vxland.probe.macs import Sightings
from vxland.probe.managers import claims_now
from vxland.probe.paths import measure
from vxland.probe.ports import Port, knock
from vxland.probe.tunnels import examine
from vxland.status.shape import NodeStatus
from vxland.tables.ingress import by_overlay

PAUSE = 0.25  # seconds between two looks at what bridges have learned

Tunnels = tuple[Mapping[tuple[str, str], Through], frozenset[Stray]]


def gather(desired: Desired, observed: Observed, status: NodeStatus, digest: str) -> Facts:
    """All facts of this node. What can't be had is left out; ``denied`` says why."""
    wanted = targets(desired, observed)
    indexes = dict(socket.if_nameindex())
    sightings = Sightings(observed, indexes)
    errors, received, dropped = checksum_errors(), _received(), _kept_out(desired)
    with ThreadPoolExecutor(3) as pool:
        paths = pool.submit(measure, _sizes(wanted))
        ports = pool.submit(knock, {(target.ends, target.port) for target in wanted})
        tunnels = pool.submit(examine, *_present(wanted, observed))
        waiting: set[Future[Any]] = {paths, ports, tunnels}
        while waiting:
            with contextlib.suppress(OSError):
                sightings.look()
            waiting = wait(waiting, PAUSE).not_done
    measured, refused, through, strays, denied = _results(paths, ports, tunnels)
    return Facts(
        status=status,
        observed=observed,
        targets=wanted,
        digest=digest,
        denied=denied,
        synchronized=is_synchronized(),
        checksum_errors=checksum_errors() - errors,
        features=features({target.underlay for target in wanted if target.underlay}),
        kept_out=_meanwhile(dropped, _kept_out(desired)),
        inputs=_inputs(),
        claims=claims_now(desired, observed),
        seen=sightings.found(),
        heard=frozenset(n for n, count in _received().items() if count > received.get(n, count)),
        paths=measured,
        ports=refused,
        through=through,
        strays=strays,
    )


def _sizes(wanted: Sequence[Target]) -> dict[Ends, int]:
    sizes: dict[Ends, int] = {}
    for target in wanted:
        sizes[target.ends] = max(target.wanted, sizes.get(target.ends, 0))
    return sizes


def _present(wanted: Sequence[Target], observed: Observed) -> tuple[list[Target], set[int]]:
    """Tunnels that frames can be sent into, and the VNIs that this machine takes packets for."""
    devices = {name for name, link in observed.links.items() if link.vxlan and link.up}
    vnis = {link.vxlan.vni for link in observed.links.values() if link.vxlan}
    return [target for target in wanted if target.device in devices], vnis


def _received() -> dict[str, int]:
    """Packets that came out of tunnels so far, by device."""
    with contextlib.suppress(OSError), Netlink() as netlink:
        seen = read_traffic(netlink)
        return {name: device.traffic.receive_packets for name, device in seen.items()}
    return {}


def _kept_out(desired: Desired) -> dict[str, int]:
    """Packets that were kept out so far, by overlay."""
    return by_overlay(desired, read_dropped())


def _meanwhile(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Packets that were kept out, by overlay; none of where either look failed."""
    return {name: max(0, count - before[name]) for name, count in after.items() if name in before}


def _inputs() -> tuple[InputChain, ...]:
    with contextlib.suppress(OSError):
        return dropping_chains()
    return ()


def _results(
    paths: Future[Mapping[Ends, Path]],
    ports: Future[dict[Port, Told]],
    tunnels: Future[Tunnels],
) -> tuple[
    Mapping[Ends, Path],
    Mapping[Port, Told],
    Mapping[tuple[str, str], Through],
    frozenset[Stray],
    str,
]:
    denied = ""
    measured: Mapping[Ends, Path] = {}
    refused: Mapping[Port, Told] = {}
    through: Mapping[tuple[str, str], Through] = {}
    strays: frozenset[Stray] = frozenset()
    try:
        measured = paths.result()
    except OSError as error:
        denied = error.strerror or str(error)
    with contextlib.suppress(OSError):
        refused = ports.result()
    try:
        through, strays = tunnels.result()
    except OSError as error:
        denied = error.strerror or str(error)
    return measured, refused, through, strays, denied
