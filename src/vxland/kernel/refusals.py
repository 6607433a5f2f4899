"""What the kernel's refusals mean, and what to do about them."""

import errno
from collections.abc import Callable, Mapping

from vxland import operations as ops
from vxland.execution import Failure
from vxland.kernel.port import port_holders
from vxland.kernel.wire import NetlinkError
from vxland.observed import Link
from vxland.operations import Operation

# What has happened already needn't be done: the wanted end is there, whoever brought it about.
DONE_ALREADY: dict[type[Operation], frozenset[int]] = {
    ops.DeleteLink: frozenset({errno.ENODEV}),
    ops.DeleteAbroad: frozenset({errno.ENODEV}),
    ops.RemoveAltname: frozenset({errno.ENOENT, errno.EINVAL, errno.ENODEV}),
    ops.RemoveAddress: frozenset({errno.EADDRNOTAVAIL, errno.ENODEV}),
    ops.AddAddress: frozenset({errno.EEXIST}),
    ops.RemoveFdb: frozenset({errno.ENOENT, errno.ENODEV}),
    # A device without IPv6 (switched off, or its MTU is below 1280) gets no such addresses.
    ops.NoLinkLocal: frozenset({errno.EAFNOSUPPORT}),
}

# What the kernel may have no support for.
KINDS_MADE: dict[type[Operation], str] = {ops.CreateVtep: "vxlan", ops.CreateBridge: "bridge"}


def explained(
    operation: Operation, error: NetlinkError, links: Callable[[], Mapping[str, Link]]
) -> Failure:
    """Why an operation was refused; ``links`` looks for who may be in its way."""
    text = f"could not {operation}: {error.strerror} ({error.name})"
    if error.errno in (errno.EPERM, errno.EACCES):
        return Failure(text, "Run vxland as root or with CAP_NET_ADMIN")
    if error.errno == errno.EOPNOTSUPP and type(operation) in KINDS_MADE:
        kind = KINDS_MADE[type(operation)]
        return Failure(
            f"{text}: this kernel has no support for {kind} devices",
            f"Load it (modprobe {kind}), or use a kernel that has it",
        )
    if error.errno == errno.EADDRINUSE and isinstance(operation, ops.BringUp):
        holders = port_holders(operation.device, links())
        return Failure(f"{text}: {holders}", "Stop what holds the port, or change the overlay's")
    lacking = error.errno == errno.ENODEV and type(operation) not in KINDS_MADE
    return Failure(text, gone=lacking)
