"""Commands for several ports at once, as a person types them into a shell."""

import shlex
from collections.abc import Sequence


def for_each(ports: Sequence[str], before: str, after: str) -> str:
    """The command for one port, whose name stands between these, or a loop over several."""
    if len(ports) == 1:
        return f"{before} {shlex.quote(ports[0])} {after}"
    return f"for port in {shlex.join(ports)}; do {before} $port {after}; done"
