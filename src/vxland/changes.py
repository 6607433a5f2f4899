"""What a turn did, device by device, in words that journal and events share."""

from collections.abc import Iterable, Sequence

from vxland.execution import Outcome
from vxland.operations import CreateBridge, CreateVtep, Operation

MOST = 10  # of anything in one go, each in a line or some words of its own


def by_device(outcomes: Iterable[Outcome]) -> dict[str, list[Operation]]:
    """The operations that were done, by device."""
    devices: dict[str, list[Operation]] = {}
    for outcome in outcomes:
        if outcome.failure is None:
            devices.setdefault(outcome.operation.device, []).append(outcome.operation)
    return devices


def gist(done: Sequence[Operation]) -> str:
    """What was done; of a device made anew only that, since all else follows from it."""
    made = [operation for operation in done if isinstance(operation, CreateVtep | CreateBridge)]
    return some([str(operation) for operation in made or done], MOST)


def some(names: Sequence[str], most: int) -> str:
    """The first few of these, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")
