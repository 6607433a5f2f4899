"""nftables' generation: who changed rules alone has nobody to wait for."""

import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.contract.namespace import fresh_namespace
from vxland.kernel import generation as module
from vxland.kernel.generation import Generation
from vxland.kernel.netlink import Netlink

pytestmark = pytest.mark.kernel


@pytest.fixture
def generation() -> Iterator[Generation]:
    """In a namespace without rules."""
    with fresh_namespace(), closing(Generation()) as made:
        yield made


def changed(times: int) -> None:
    """Somebody changes rules so often."""
    for number in range(times):
        subprocess.run(["nft", "add", "table", "bridge", f"t{number}"], check=True)


@pytest.mark.parametrize(("times", "waits"), [(0, 0), (1, 0), (2, 1), (3, 1)])
def test_the_only_transaction_is_the_callers_own(
    generation: Generation, monkeypatch: pytest.MonkeyPatch, times: int, waits: int
) -> None:
    """Of two the other one may go on."""
    waited: list[int] = []
    wait = module._wait

    def noted(netlink: Netlink, number: int) -> None:
        waited.append(number)
        wait(netlink, number)

    before = generation.read()
    assert before is not None
    monkeypatch.setattr(module, "_wait", noted)
    changed(times)
    assert generation.has_moved(before) == (times > 0)
    assert generation.read() == before + times
    assert waited == [before + times] * waits
