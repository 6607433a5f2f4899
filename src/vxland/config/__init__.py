"""The configuration: from TOML files to settings, or to everything that is wrong with them."""
