"""The configuration: from TOML files to settings, or to everything that is wrong with them.

Nothing of it is imported here: who wants an error's class needn't wait for pydantic. That would
look through all packages for plugins, and let them into the daemon.
"""

import os

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
