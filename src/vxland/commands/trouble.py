"""How the commands say that they can't: one line a cause, on stderr, never a traceback."""

import json
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from vxland import privilege
from vxland.config.errors import InvalidConfig
from vxland.lock import Busy
from vxland.resolve import Unresolved

MOST = 100  # errors of a configuration that anybody reads


def complain(options: Namespace, *lines: str) -> None:
    """Say what is wrong, as JSON on stdout where that was asked for."""
    if getattr(options, "json", False):
        print(json.dumps({"errors": lines}, indent=2))
    else:
        for line in lines:
            print(f"vxland: {line}", file=sys.stderr)


@contextmanager
def explained(options: Namespace, *, bad_config: int = 1) -> Iterator[None]:
    """Turn what may go wrong into sentences. Raises SystemExit."""
    try:
        yield
    except InvalidConfig as error:
        more = len(error.errors) - MOST
        rest = [f"and {more} more errors like these"] if more > 0 else []
        complain(options, *map(str, error.errors[:MOST]), *rest)
        raise SystemExit(bad_config) from None
    except Unresolved as error:
        complain(options, *map(str, error.problems))
        raise SystemExit(1) from None
    except Busy as error:
        complain(options, f"{error}. Stop it first: systemctl stop vxland")
        raise SystemExit(1) from None
    except PermissionError as error:
        complain(options, f"{error}. {privilege.CURE}")
        raise SystemExit(1) from None
    except OSError as error:
        complain(options, str(error))
        raise SystemExit(1) from None


def need_privilege(options: Namespace) -> None:
    """End where the network may not be changed. Raises SystemExit."""
    if not privilege.may_change_network():
        complain(options, f"this needs CAP_NET_ADMIN. {privilege.CURE}")
        raise SystemExit(1)
