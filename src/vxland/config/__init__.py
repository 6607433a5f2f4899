"""The configuration: from TOML files to settings, or to everything that is wrong with them."""

from vxland.config.errors import ConfigError, InvalidConfig
from vxland.config.load import Checked, check, load

__all__ = ["Checked", "ConfigError", "InvalidConfig", "check", "load"]
