"""What packet sockets let through: programs for the kernel's packet filter (classic BPF).

Without them, a busy machine's every frame would come to us. The instructions are those of
include/uapi/linux/bpf_common.h.
"""

import ctypes
import socket
import struct
from collections.abc import Iterable

from msgspec import Struct

from vxland.probe import frames

SO_ATTACH_FILTER = 26  # include/uapi/asm-generic/socket.h
LDH, LDB = 0x28, 0x30  # load from a fixed place …
LDH_X, LDB_X, LDW_X = 0x48, 0x50, 0x40  # … or so far behind what is in the register X
LDX_NUMBER, LDX_IPV4 = 0x01, 0xB1  # into X: a number, or the length of the IPv4 header there
JUMP, EQUAL, ANY_BIT, SHIFT, GIVE = 0x05, 0x15, 0x45, 0x74, 0x06
INSTRUCTION = struct.Struct("=HBBI")

ALL, NOTHING = 0xFFFF, 0  # bytes of the packet that are given
MOST = 4096  # instructions (BPF_MAXINSNS)
MOST_PORTS = 200  # as far as a conditional jump goes
IPV4, UDP = 0x0800, 17
FRAGMENT = 0x1FFF  # the bits of an IPv4 packet's offset

# Places in a frame; those of what is in a VXLAN packet count from X, the outer IP header's length.
TYPE, PROTOCOL4, OFFSET4, PROTOCOL6, ARP_OPERATION, BODY6 = 12, 23, 20, 20, 20, 54
PORT, VNI, INNER = 16, 26, 30


class Step(Struct, frozen=True):
    """One instruction; where it jumps to, ``then`` or else ``other``, are labels, or the next."""

    code: int
    value: int = 0
    then: str = ""
    other: str = ""
    label: str = ""


def answers() -> list[Step]:
    """Frames that may answer ours: of ARP, ICMPv6, and TCP from where we send it to."""
    return [
        Step(LDH, TYPE),
        Step(EQUAL, frames.ETH_P_ARP, other="ipv6"),
        Step(LDH, ARP_OPERATION),
        Step(EQUAL, frames.ARP_REPLY, "all", "none"),
        Step(EQUAL, frames.ETH_P_IPV6, other="none", label="ipv6"),
        Step(LDB, PROTOCOL6),
        Step(EQUAL, frames.TCP_NUMBER, "tcp"),
        Step(EQUAL, frames.ICMPV6, other="none"),
        Step(LDB, BODY6),
        Step(EQUAL, frames.TOO_BIG, "all"),
        Step(EQUAL, frames.ECHO_REPLY, "all", "none"),
        Step(LDH, BODY6, label="tcp"),
        Step(EQUAL, frames.TO, "all", "none"),
        Step(GIVE, ALL, label="all"),
        Step(GIVE, NOTHING, label="none"),
    ]


def wire(ports: Iterable[int], vnis: Iterable[int]) -> list[Step]:
    """VXLAN packets to these ports with such an answer in them, or with a VNI not among these."""
    steps = [
        Step(LDH, TYPE),
        Step(EQUAL, IPV4, other="six"),
        Step(LDB, PROTOCOL4),
        Step(EQUAL, UDP, other="no"),
        Step(LDH, OFFSET4),
        Step(ANY_BIT, FRAGMENT, then="no"),
        Step(LDX_IPV4, frames.ETHERNET.size),
        Step(JUMP, then="port"),
        Step(EQUAL, frames.ETH_P_IPV6, other="no", label="six"),
        Step(LDB, PROTOCOL6),
        Step(EQUAL, UDP, other="no"),
        Step(LDX_NUMBER, frames.IPV6.size),
        Step(LDH_X, PORT, label="port"),
        *(Step(EQUAL, port, then="vxlan") for port in sorted(set(ports))[:MOST_PORTS]),
        Step(GIVE, NOTHING, label="no"),
        Step(LDH_X, INNER + TYPE, label="vxlan"),
        Step(EQUAL, frames.ETH_P_ARP, other="inner6"),
        Step(LDH_X, INNER + ARP_OPERATION),
        Step(EQUAL, frames.ARP_REPLY, "answer", "vni"),
        Step(EQUAL, frames.ETH_P_IPV6, other="vni", label="inner6"),
        Step(LDB_X, INNER + PROTOCOL6),
        Step(EQUAL, frames.ICMPV6, other="vni"),
        Step(LDB_X, INNER + BODY6),
        Step(EQUAL, frames.ECHO_REPLY, "answer", "vni"),
        Step(GIVE, ALL, label="answer"),
        Step(LDW_X, VNI, label="vni"),
        Step(SHIFT, 8),
    ]
    known = sorted(set(vnis))
    if len(steps) + 2 * len(known) >= MOST:  # then nobody is told of other VNIs
        return [*steps, Step(GIVE, NOTHING)]
    for number, vni in enumerate(known):
        steps.append(Step(EQUAL, vni, other=f"{number + 1}", label=f"{number}"))
        steps.append(Step(GIVE, NOTHING))
    return [*steps, Step(GIVE, ALL, label=f"{len(known)}")]


def assembled(steps: list[Step]) -> bytes:
    """The program as the kernel takes it."""
    places = {step.label: number for number, step in enumerate(steps) if step.label}
    program = b""
    for number, step in enumerate(steps):
        then, other = (
            places[label] - number - 1 if label else 0 for label in (step.then, step.other)
        )
        jump = (0, 0, then) if step.code == JUMP else (then, other, step.value)
        program += INSTRUCTION.pack(step.code, *jump)
    return program


def attach(opened: socket.socket, steps: list[Step]) -> None:
    """Let nothing else through from now on. Raises OSError."""
    program = ctypes.create_string_buffer(assembled(steps))
    head = struct.pack("@HP", len(steps), ctypes.addressof(program))
    opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, head)
