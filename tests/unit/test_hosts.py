"""What hosts(5) says."""

from ipaddress import ip_address
from pathlib import Path

from vxland.lookup.hosts import Hosts

TEXT = """\
# 192.0.2.1 commented
127.0.0.1\tlocalhost
192.0.2.2  two.example.org two # of several words
192.0.2.22 TWO
2001:db8::2 two.
fe80::1%eth0 zoned
nonsense three
192.0.2.4

"""


def test_names_have_addresses(tmp_path: Path) -> None:
    """Several, and aliases, in letters of any size."""
    path = tmp_path / "hosts"
    path.write_text(TEXT)
    hosts = Hosts(path)
    two = {ip_address(text) for text in ("192.0.2.2", "192.0.2.22", "2001:db8::2")}
    assert hosts.addresses("two") == two
    assert hosts.addresses("Two.") == two
    assert hosts.addresses("two.example.org") == {ip_address("192.0.2.2")}
    for name in ("commented", "three", "of", "words", ""):
        assert hosts.addresses(name) == frozenset()


def test_a_change_is_seen(tmp_path: Path) -> None:
    """A file that comes, and one that goes, too."""
    path = tmp_path / "hosts"
    hosts = Hosts(path)
    assert hosts.addresses("two") == frozenset()
    path.write_text("192.0.2.2 two\n")
    assert hosts.addresses("two") == {ip_address("192.0.2.2")}
    path.write_text("192.0.2.222 two\n")
    assert hosts.addresses("two") == {ip_address("192.0.2.222")}
    path.unlink()
    assert hosts.addresses("two") == frozenset()
    path.write_bytes(b"192.0.2.3 two \xff\n")
    assert hosts.addresses("two") == {ip_address("192.0.2.3")}
