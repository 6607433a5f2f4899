"""One look by hand: what the commands see that need no daemon."""

from dataclasses import dataclass, replace
from pathlib import Path

from vxland.config.load import load
from vxland.kernel.linux import LinuxKernel
from vxland.model import Desired
from vxland.observed import Observed
from vxland.operations import CreateVtep
from vxland.peers import addresses
from vxland.plan import Plan, plan
from vxland.resolve import resolve
from vxland.settings import Settings


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is, what should be, and what lies between."""

    settings: Settings
    observed: Observed
    desired: Desired
    plan: Plan


def look(path: Path, kernel: LinuxKernel) -> Outlook:
    """Read the configuration and the kernel. Raises InvalidConfig, Unresolved, OSError."""
    settings = load(path)
    known = addresses(settings.peers)
    observed = kernel.observe(frozenset(known.values()))
    desired = resolve(settings, known, observed.host)
    planned = plan(observed, desired)
    if any(isinstance(operation, CreateVtep) for operation in planned.operations):
        observed = replace(observed, abroad=kernel.look_abroad())
        planned = plan(observed, desired)
    return Outlook(settings, observed, desired, planned)
