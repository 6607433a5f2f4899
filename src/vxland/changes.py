"""What a turn did, device by device, in words that journal and events share."""

from collections.abc import Iterable, Sequence

from vxland.addresses import IPAddress
from vxland.execution import Outcome
from vxland.listing import MOST, some
from vxland.model import Desired
from vxland.operations import CreateBridge, CreateVtep, Operation

Part = tuple[str, str]  # a device, and the peer that it is about; "" where it is about all of it


def by_device(outcomes: Iterable[Outcome]) -> dict[str, list[Operation]]:
    """The operations that were done, by device."""
    devices: dict[str, list[Operation]] = {}
    for outcome in outcomes:
        if outcome.failure is None:
            devices.setdefault(outcome.operation.device, []).append(outcome.operation)
    return devices


def by_part(outcomes: Iterable[Outcome], desired: Desired) -> dict[Part, list[Operation]]:
    """The operations that were done, by device and, of a shared one, by the peer that it was about.

    Of one that was made anew, all is about the device.
    """
    devices = by_device(outcomes)
    anew = {device for device, done in devices.items() if any(map(_makes, done))}
    peers: dict[tuple[str, IPAddress | None], str] = {
        (vtep.device, remote.address): remote.peer
        for overlay in desired.overlays
        if overlay.shared
        for vtep in overlay.vteps
        if vtep.device in devices.keys() - anew
        for remote in vtep.remotes
    }
    parts: dict[Part, list[Operation]] = {}
    for device, done in devices.items():
        for operation in done:
            peer = peers.get((device, operation.leads_to), "")
            parts.setdefault((device, peer), []).append(operation)
    return parts


def gist(done: Sequence[Operation]) -> str:
    """What was done; of a device made anew only that, since all else follows from it."""
    made = [operation for operation in done if _makes(operation)]
    return some([str(operation) for operation in made or done], MOST)


def _makes(operation: Operation) -> bool:
    return isinstance(operation, CreateVtep | CreateBridge)
