"""A program started where the kernel lacks something: ``python -m tests.daemon.lacking WHAT …``.

``nfnetlink`` is really lacking: a seccomp filter refuses the sockets, as such a kernel does. For
``vxlan`` and ``bridge``, vxland itself is run and asks the kernel for another kind of device, one
that no kernel has; so what it is told is what a kernel without the module says. The same goes for
``persist``, a flag of nftables' tables.
"""

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

from vxland.cli import main
from vxland.kernel import linux, own_table
from vxland.kernel.netlink import NETLINK_NETFILTER, Netlink
from vxland.kernel.wire import NetlinkError

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
AF_NETLINK = 16
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h
ALLOW, REFUSE = 0x7FFF0000, 0x00050000  # linux/seccomp.h
NUMBER, DOMAIN, PROTOCOL = 0, 16, 32  # offsets in struct seccomp_data
SOCKET = {"x86_64": 41, "aarch64": 198}[os.uname().machine]


def refuse_netfilter() -> None:
    """No netlink socket for nfnetlink from now on, for this process and its children."""
    program = (
        (LOAD, 0, 0, NUMBER),
        (JUMP_EQUAL, 0, 5, SOCKET),
        (LOAD, 0, 0, DOMAIN),
        (JUMP_EQUAL, 0, 3, AF_NETLINK),
        (LOAD, 0, 0, PROTOCOL),
        (JUMP_EQUAL, 0, 1, NETLINK_NETFILTER),
        (RETURN, 0, 0, REFUSE | errno.EPROTONOSUPPORT),
        (RETURN, 0, 0, ALLOW),
    )
    code = b"".join(struct.pack("=HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code)
    filter_ = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    for words in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_),
    ):
        if libc.prctl(*words) != 0:
            raise OSError(ctypes.get_errno(), "prctl")


class WithoutKind(Netlink):
    """The kernel as it is where it doesn't know this kind of device."""

    kind = b""

    def request(self, messages: Sequence[bytes]) -> list[NetlinkError | None]:
        """Ask for a kind that is unknown everywhere instead."""
        known, unknown = self.kind + b"\0", self.kind[:-1] + b"?\0"
        return super().request([message.replace(known, unknown) for message in messages])


if __name__ == "__main__":
    what, *command = sys.argv[1:]
    if what == "nfnetlink":
        refuse_netfilter()
        os.execv(command[0], command)  # noqa: S606 - the test's own words
    if what == "persist":
        vars(own_table)["PERSIST"] = 1 << 30
    else:
        WithoutKind.kind = what.encode()
        vars(linux)["Netlink"] = WithoutKind
    sys.argv = [str(Path(command[0])), *command[1:]]
    sys.exit(main())
