"""The configuration: from TOML files to settings, or to everything that is wrong with them.

Nothing is imported here: who wants an error's class needn't wait for pydantic.
"""
