"""What somebody typed becomes vxland's."""

import pytest

from tests.makers.maker import Maker, shown

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120, func_only=True)]


def test_the_documented_steps(maker: Maker) -> None:
    """The devices are the same ones, under names of vxland's."""
    for line in shown("By hand", "console").splitlines():
        maker.sh(line.removeprefix("# "))
    before = maker.numbers()
    assert set(before) == {"vxbr0", "mesh-lxd2", "mesh-lxd3"}
    maker.write(shown("From systemd-networkd", "toml").replace("udp_csum", "# udp_csum"))
    maker.type_steps("By hand")
    after = maker.numbers()
    assert set(after) == {"vxbr0", "vxl-lan-lxd2", "vxl-lan-lxd3"}
    assert sorted(after.values()) == sorted(before.values())
    assert maker.status()["problems"] == []
