"""A package whose own code runs only if something of it is wanted; its modules can be had alone.

pyroute2 imports all that it has wherever one module of it is imported: its database, a socket for
each netlink family, sqlite and asyncio, 155 modules that vxland doesn't use. Seen with 0.9.7 on
Python 3.11: 85 ms and 9.4 MB; its message classes alone, with what they need, 32 ms and 1.4 MB.
"""

import sys
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any


def lazily(package: str) -> None:
    """Have a package's own code wait; nothing, where it ran already. Raises ModuleNotFoundError."""
    if package in sys.modules:
        return
    spec = find_spec(package)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    loader, module = spec.loader, module_from_spec(spec)

    def wanted(name: str) -> Any:  # noqa: ANN401 - whatever the package has by this name
        """Called for what the package doesn't have yet (PEP 562): a module of it, or all else."""
        if name.startswith("__"):
            raise AttributeError(name)
        if find_spec(f"{package}.{name}"):
            return import_module(f"{package}.{name}")
        del vars(module)["__getattr__"]
        loader.exec_module(module)
        return getattr(module, name)

    vars(module)["__getattr__"] = wanted
    sys.modules[package] = module
