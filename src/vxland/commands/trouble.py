"""How the commands say that they can't: one line a cause, on stderr, never a traceback."""

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from vxland.config.errors import InvalidConfig
from vxland.problems import Unresolved
from vxland.process import privilege
from vxland.process.lock import Busy, Unusable

MOST = 100  # errors of a configuration that anybody reads


def complain(options: Namespace, *lines: str) -> None:
    """Say what is wrong, as JSON on stdout where that was asked for."""
    if (more := len(lines) - MOST) > 0:
        lines = (*lines[:MOST], f"and {more} more errors like these")
    if getattr(options, "json", False):
        print(json.dumps({"errors": lines}, indent=2))
    else:
        for line in lines:
            print(f"vxland: {line}", file=sys.stderr)


@contextmanager
def explained(
    options: Namespace, *, bad_config: int = 1, tell: Callable[[Sequence[str]], None] | None = None
) -> Iterator[None]:
    """Turn what may go wrong into sentences, to be told by ``tell``. Raises SystemExit."""
    status = 1
    try:
        yield
    except InvalidConfig as error:
        status = bad_config
        lines = [str(wrong) for wrong in error.errors]
    except Unresolved as error:
        lines = [str(problem) for problem in error.problems]
    except PermissionError as error:
        lines = [f"{error}. {privilege.CURE}"]
    except (Busy, Unusable, OSError) as error:
        lines = [str(error)]
    else:
        return
    if tell is None:
        complain(options, *lines)
    else:
        tell(lines)
    raise SystemExit(status)


def need_privilege() -> None:
    """Raises PermissionError where the network may not be changed."""
    if not privilege.may_change_network():
        raise PermissionError("this needs CAP_NET_ADMIN")
