"""What this machine says of itself: its clock, what it counts, what its network cards do."""

import contextlib
import ctypes
from collections.abc import Iterable, Mapping
from pathlib import Path

from vxland.kernel.lazily import lazily

TIMEX = 512  # bytes: struct timex has fewer
TIME_ERROR = 5  # adjtimex(2): the clock isn't synchronized
FEATURES = (
    "tx-checksum-ip-generic",
    "tx-udp_tnl-segmentation",
    "tx-udp_tnl-csum-segmentation",
    "rx-udp_tunnel-port-offload",
)


def is_synchronized() -> bool | None:
    """Whether something keeps the kernel's clock true; None where that isn't told."""
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX))  # zeros: change nothing
    return None if state < 0 else state != TIME_ERROR


def checksum_errors() -> int:
    """UDP packets of this namespace with a wrong checksum so far; 0 where that isn't told."""
    count = 0
    with contextlib.suppress(OSError, ValueError, KeyError):
        lines = Path("/proc/self/net/snmp").read_text(encoding="ascii").splitlines()
        names, numbers = (line.split() for line in lines if line.startswith("Udp:"))
        count += int(dict(zip(names, numbers, strict=True))["InCsumErrors"])
    with contextlib.suppress(OSError, ValueError, KeyError):
        lines = Path("/proc/self/net/snmp6").read_text(encoding="ascii").splitlines()
        count += int(dict(line.split() for line in lines)["Udp6InCsumErrors"])
    return count


def features(devices: Iterable[str]) -> dict[str, Mapping[str, bool]]:
    """What these devices do for tunnels, as far as they tell (ethtool -k)."""
    lazily("pyroute2")
    from pyroute2.ethtool.ioctl import IoctlEthtool  # noqa: PLC0415

    found: dict[str, Mapping[str, bool]] = {}
    for device in sorted(devices):
        with contextlib.suppress(
            Exception
        ):  # whatever a driver, or pyroute2, makes of the question
            with contextlib.closing(IoctlEthtool(device)) as asked:
                told = {name: enabled for name, enabled, *_ in asked.get_features()}
            found[device] = {name: told[name] for name in FEATURES if name in told}
    return found
