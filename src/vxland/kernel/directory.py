"""The numbers by which the kernel knows devices, and which operations can't do without them."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from vxland import operations as ops
from vxland.addresses import IPAddress, zone

COMING_AND_GOING = (ops.DeleteLink, ops.CreateVtep, ops.CreateBridge)


class Directory(Struct):
    """The numbers of the devices that operations name."""

    indexes: dict[str, int]
    abroad: dict[tuple[int, str], int]  # by namespace number and name

    def __getitem__(self, device: str) -> int:
        return self.indexes[device]

    def follow(self, operation: ops.Operation) -> None:
        """Forget or move the number of a device that this operation makes, deletes or renames."""
        if isinstance(operation, COMING_AND_GOING):
            self.indexes.pop(operation.device, None)
        elif isinstance(operation, ops.Rename) and operation.device in self.indexes:
            self.indexes[operation.to] = self.indexes.pop(operation.device)


def _underlay(address: IPAddress) -> tuple[str, ...]:
    device = zone(address)
    return () if device is None else (device,)


# The devices that an operation's message can name only by number.
NEEDED: dict[type[ops.Operation], Callable[[Any], tuple[str, ...]]] = {
    ops.Attach: lambda op: (op.bridge,),
    ops.Reattach: lambda op: (op.bridge,),
    ops.CreateVtep: lambda op: _underlay(op.vtep.local),
    ops.AppendFlood: lambda op: (op.device, *_underlay(op.destination)),
    ops.RemoveFdb: lambda op: (op.device, *_underlay(op.entry.destination)),
    ops.AddAddress: lambda op: (op.device,),
    ops.RemoveAddress: lambda op: (op.device,),
}
