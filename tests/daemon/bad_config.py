"""Configurations that won't do, by everything that can be wrong with a file."""

import os
from collections.abc import Callable
from pathlib import Path

from tests.lab.site import HEAD, config

BASE = config(range(1, 4))  # a good one, for the server 192.0.2.1
OVERLAY = HEAD[HEAD.index("[[overlay]]") :]


def text(bad: str) -> Callable[[Path], None]:
    """Save this text."""

    def save_as(path: Path) -> None:
        new = path.with_suffix(".new")
        new.write_text(bad, encoding="utf-8")
        new.replace(path)

    return save_as


def folder(path: Path) -> None:
    """A folder in the file's place."""
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    """A named pipe in the file's place, that nobody writes to."""
    path.unlink()
    os.mkfifo(path)


def circle(path: Path) -> None:
    """A link to itself in the file's place."""
    path.unlink()
    path.symlink_to(path.name)


def noise(path: Path) -> None:
    """10 MB of noise."""
    path.write_bytes(bytes(range(256)) * 40_000)


def binary(path: Path) -> None:
    """No text at all."""
    path.write_bytes(b'[[overlay]]\nbridge = "vxbr\xff0"\n')


def with_peer(name: str, address: str) -> str:
    """The good file with one peer more."""
    return f'{BASE}\n[[peer]]\nname = "{name}"\naddress = "{address}"\n'


# What is saved, and words that the one message must have.
BAD: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "broken TOML": (text(BASE + "[[peer\n"), ("isn't TOML", "vxland.toml:19:")),
    "wrong type": (text(BASE + "disabled = 7\n"), ("peer[2].disabled", "7")),
    "unknown key": (text(BASE + "disbled = true\n"), ("disbled", 'Did you mean "disabled"?')),
    "unknown table": (text(BASE + "[nodes]\nname = 1\n"), ("nodes", 'Did you mean "node"?')),
    "key twice": (text(BASE + 'name = "lxd3"\n'), ("isn't TOML", "vxland.toml:19:")),
    "peer twice": (text(with_peer("lxd2", "192.0.2.4")), ("peer[3].name (lxd2)", '"lxd2"')),
    "address twice": (
        text(with_peer("lxd4", "192.0.2.2")),
        ("peer[3].address (lxd4)", "192.0.2.2"),
    ),
    "overlay twice": (text(BASE + OVERLAY), ("overlay[1].name (lan)", "overlay[0]")),
    "multicast address": (text(with_peer("lxd4", "239.0.0.1")), ("peer[3].address", "multicast")),
    "loopback address": (text(with_peer("lxd4", "127.0.0.1")), ("peer[3].address", "loopback")),
    "broadcast address": (
        text(with_peer("lxd4", "255.255.255.255")),
        ("peer[3].address", "broadcast"),
    ),
    "broadcast address of a network here": (
        text(with_peer("lxd4", "192.0.2.255")),
        ("lxd4", "broadcast address of 192.0.2.0/24 on eth0"),
    ),
    "no address": (text(with_peer("lxd4", "192.0.2")), ("peer[3].address", '"192.0.2"')),
    "name too long": (text(with_peer("x" * 51, "192.0.2.4")), ("peer[3].name", "xxx")),
    "name with a slash": (text(with_peer("a/b", "192.0.2.4")), ("peer[3].name", '"a/b"')),
    "bridge too long": (
        text(BASE.replace('"vxbr0"', '"vxbr0123456789ab"')),
        ("overlay[0].bridge (lan)", "vxbr0123456789ab"),
    ),
    "bridge with a slash": (
        text(BASE.replace('"vxbr0"', '"vx/br0"')),
        ("overlay[0].bridge (lan)", '"vx/br0"'),
    ),
    "no guard": (text(BASE.replace(HEAD, HEAD + "guard = []\n")), ("overlay[0].guard", "loop")),
    "colliding VNIs": (
        text(
            BASE.replace(
                "\n[[peer]]",
                '[overlay.vnis]\n"lxd1 lxd2" = 5\n"lxd1 lxd3" = 5\n\n[[peer]]',
                1,
            )
        ),
        ("5", "lxd2", "lxd3"),
    ),
    "nothing of this machine": (text(config(range(2, 5))), ("none of the peers' addresses",)),
    "empty": (text(""), ("no overlays", "vxland down")),
    "no overlays": (text(BASE.replace(HEAD, "")), ("no overlays", "vxland down")),
    "no peers": (text(HEAD), ("no other peer", "lan", "vxland down")),
    "no other peers": (text(config([1])), ("no other peer", "lan", "vxland down")),
    "missing": (Path.unlink, ("vxland.toml: can't be read: No such file",)),
    "folder": (folder, ("vxland.toml: ", "Is a directory")),
    "named pipe": (pipe, ("vxland.toml: ", "isn't a regular file")),
    "circle of links": (circle, ("vxland.toml: can't be read", "links")),
    "noise": (noise, ("vxland.toml: is larger than 4 MiB",)),
    "no UTF-8": (binary, ("vxland.toml:2:15", "UTF-8")),
}
