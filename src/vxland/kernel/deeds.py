"""Operations carried out, one step of a phase at a time: by netlink in one batch, or as rules."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import is_

from msgspec import Struct, field

from vxland import operations as ops
from vxland.execution import Failure
from vxland.kernel.deletion import delete
from vxland.kernel.directory import COMING_AND_GOING, NEEDED, Directory
from vxland.kernel.link_table import LinkTable
from vxland.kernel.links import read_indexes
from vxland.kernel.messages import MESSAGES
from vxland.kernel.netlink import Netlink
from vxland.kernel.refusals import DONE_ALREADY, explained
from vxland.kernel.wire import NetlinkError
from vxland.observed import Link
from vxland.operations import Operation

End = Callable[[], Failure | None]  # waits until an operation is carried out
Writer = Callable[[Operation], End]  # begins
MOVING = frozenset((*COMING_AND_GOING, ops.Rename))
IS_DELETION = partial(is_, ops.DeleteLink)


class Batch(Struct, frozen=True):
    """What waits to be sent."""

    operations: list[Operation] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)

    def clear(self) -> None:
        """Begin anew."""
        self.operations.clear()
        self.messages.clear()


class Deeds:
    """Whoever changes the kernel; ``writers`` are those of rules, by kind of operation."""

    def __init__(
        self,
        netlink: Netlink,
        links: LinkTable,
        directory: Directory,
        writers: Mapping[type[Operation], Writer],
    ) -> None:
        self._netlink = netlink
        self._links = links
        self._directory = directory
        self._writers = writers
        self._begun: tuple[Operation, End] | None = None  # what goes on
        self._late: dict[Operation, Failure] = {}

    def perform(
        self, operations: Sequence[Operation], *, beside: bool = False
    ) -> dict[Operation, Failure]:
        """Carry them out; returns those that failed.

        Rules are written in one transaction after the other. Where the last may go on ``beside``
        what follows, ``settle`` tells of it.
        """
        failures: dict[Operation, Failure] = {}
        batch = Batch()
        for kind, alike in groupby(operations, type):
            if (begin := self._writers.get(kind)) is None:
                self._prepare(kind, alike, batch, failures)
                continue
            for operation in alike:
                self.wait()
                self._begun = operation, begin(operation)
        failures |= self._send(batch)
        if not beside:
            self.wait()
        if self._late:
            failures |= {one: self._late.pop(one) for one in [*self._late] if one in operations}
        return failures

    def wait(self) -> None:
        """Wait until nothing goes on."""
        if self._begun is not None:
            (operation, end), self._begun = self._begun, None
            if (failure := end()) is not None:
                self._late[operation] = failure

    def settle(self) -> dict[Operation, Failure]:
        """The same; returns what failed and wasn't told."""
        self.wait()
        late, self._late = self._late, {}
        return late

    def _prepare(
        self,
        kind: type[Operation],
        alike: Iterable[Operation],
        batch: Batch,
        failures: dict[Operation, Failure],
    ) -> None:
        """Put operations of this kind into the batch."""
        directory, make, moves = self._directory, MESSAGES[kind], kind in MOVING
        for operation in alike:
            try:
                message = make(operation, directory)
            except KeyError:
                failures |= self._look_up(operation, batch)
                try:
                    message = make(operation, directory)
                except KeyError as gone:
                    name = gone.args[0]
                    failures[operation] = Failure(
                        f"there is no device {name} any more", gone=name == operation.device
                    )
                    continue
            batch.operations.append(operation)
            batch.messages.append(message)
            if moves:
                directory.follow(operation)

    def _look_up(self, operation: Operation, batch: Batch) -> dict[Operation, Failure]:
        """The numbers that it needs of what was made a moment ago, perhaps by what waits there."""
        needed = NEEDED.get(type(operation))
        missing = (
            [n for n in needed(operation) if n not in self._directory.indexes] if needed else ()
        )
        if not missing:
            return {}
        failures = self._send(batch)
        batch.clear()
        self._directory.indexes |= read_indexes(self._netlink, missing)
        return failures

    def _send(self, batch: Batch) -> dict[Operation, Failure]:
        answers: list[NetlinkError | None] = []
        for deletes, alike in groupby(map(type, batch.operations), IS_DELETION):
            send = partial(delete, self._netlink) if deletes else self._netlink.request
            begin = len(answers)
            answers += send(batch.messages[begin : begin + len(list(alike))])
        if not any(answers):
            return {}
        return {
            operation: explained(operation, error, self._all_links)
            for operation, error in zip(batch.operations, answers, strict=True)
            if error and error.errno not in DONE_ALREADY.get(type(operation), frozenset())
        }

    def _all_links(self) -> dict[str, Link]:
        return self._links.refresh(self._netlink)
