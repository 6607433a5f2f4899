"""The numbers by which the kernel knows devices, and which operations can't do without them."""

from dataclasses import dataclass

from vxland import operations as ops
from vxland.addresses import IPAddress, zone


@dataclass(slots=True)
class Directory:
    """The numbers of the devices that operations name."""

    indexes: dict[str, int]
    abroad: dict[tuple[int, str], int]  # by namespace number and name

    def __getitem__(self, device: str) -> int:
        return self.indexes[device]

    def follow(self, operation: ops.Operation) -> None:
        """Forget or move the number of a device that this operation makes, deletes or renames."""
        if isinstance(operation, ops.DeleteLink | ops.CreateVtep | ops.CreateBridge):
            self.indexes.pop(operation.device, None)
        elif isinstance(operation, ops.Rename) and operation.device in self.indexes:
            self.indexes[operation.to] = self.indexes.pop(operation.device)


def numbers_needed(operation: ops.Operation) -> tuple[str, ...]:
    """The devices that this operation's message can name only by number."""
    if isinstance(operation, ops.Attach | ops.Reattach):
        return (operation.bridge,)
    if isinstance(operation, ops.CreateVtep):
        return _underlay(operation.vtep.local)
    if isinstance(operation, ops.AppendFlood):
        return (operation.device, *_underlay(operation.destination))
    if isinstance(operation, ops.RemoveFdb):
        return (operation.device, *_underlay(operation.entry.destination))
    if isinstance(operation, ops.AddAddress | ops.RemoveAddress):
        return (operation.device,)
    return ()


def _underlay(address: IPAddress) -> tuple[str, ...]:
    device = zone(address)
    return () if device is None else (device,)
