"""What the kernel is asked for, counted."""

from collections import Counter

import pytest

from vxland.kernel.netlink import Netlink
from vxland.kernel.wire import HEADER


def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """From now on, in messages by type."""
    sent: Counter[int] = Counter()
    numbered = Netlink._numbered

    def counting(netlink: Netlink, messages: list[bytes], flags: int) -> bytearray:
        sent.update(HEADER.unpack_from(message)[1] for message in messages)
        return numbered(netlink, messages, flags)

    monkeypatch.setattr(Netlink, "_numbered", counting)
    return sent
