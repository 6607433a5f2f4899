"""What one look at the kernel can't tell: what the reconciler remembers for the planner."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Memory:
    """What was seen earlier, and what was decided because of it."""

    others_ports: Mapping[str, frozenset[str]] = field(default_factory=dict)  # by bridge gone since
    grounded: frozenset[str] = frozenset()  # devices whose guard somebody keeps taking away
