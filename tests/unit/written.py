"""Configuration files as tests write them, and what vxland says to them."""

from pathlib import Path

from vxland.config.errors import ConfigError, InvalidConfig
from vxland.config.load import check
from vxland.settings import Settings

OVERLAY = '[[overlay]]\nname = "lan"\nbridge = "vxbr0"\n'
PEERS = """
[[peer]]
name = "lxd1"
address = "203.0.113.1"

[[peer]]
name = "lxd2"
address = "198.51.100.2"

[[peer]]
name = "lxd3"
address = "192.0.2.3"
"""
PLAIN = OVERLAY + PEERS


def peer(name: str, address: str, more: str = "") -> str:
    """A [[peer]] as it is written."""
    return f'[[peer]]\nname = "{name}"\naddress = "{address}"\n{more}\n'


def overlay(name: str, bridge: str = "vxbr0", more: str = "") -> str:
    """An [[overlay]] as it is written."""
    return f'[[overlay]]\nname = "{name}"\nbridge = "{bridge}"\n{more}\n'


def write(folder: Path, text: str | bytes, **drop_ins: str | bytes) -> Path:
    """A configuration file, with its drop-ins by name without ``.toml``."""
    path = folder / "vxland.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    for name, content in drop_ins.items():
        drop_in = folder / "vxland.toml.d" / f"{name}.toml"
        drop_in.parent.mkdir(exist_ok=True)
        drop_in.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def settings_of(folder: Path, text: str, **drop_ins: str) -> Settings:
    """What a valid configuration means."""
    return check(write(folder, text, **drop_ins)).settings


def warnings_of(folder: Path, text: str) -> list[str]:
    """The warnings about a valid configuration, as path and message."""
    return [_short(warning) for warning in check(write(folder, text)).warnings]


def errors_at(path: Path) -> tuple[ConfigError, ...]:
    """Everything that is wrong at a path; nothing where it is valid."""
    try:
        check(path)
    except InvalidConfig as invalid:
        return invalid.errors
    return ()


def errors_in(folder: Path, text: str | bytes, **drop_ins: str | bytes) -> tuple[ConfigError, ...]:
    """Everything that is wrong with a configuration; nothing where it is valid."""
    return errors_at(write(folder, text, **drop_ins))


def complaints(folder: Path, text: str | bytes, **drop_ins: str | bytes) -> list[str]:
    """The same, as path and message."""
    return list(map(_short, errors_in(folder, text, **drop_ins)))


def _short(error: ConfigError) -> str:
    return f"{error.path}: {error.message}"
