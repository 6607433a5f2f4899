"""``vxland run``: the daemon, in the foreground."""

from argparse import Namespace
from collections.abc import Sequence
from functools import partial

from vxland.app import Daemon
from vxland.commands.trouble import complain, explained, need_privilege
from vxland.config.load import load
from vxland.journal import not_started, set_up, under_journald
from vxland.process.notify import Notifier

BAD_CONFIG = 78  # EX_CONFIG, sysexits(3): the unit doesn't restart on it


def run(options: Namespace) -> int:
    """0 stopped, 78 bad configuration at start, 1 failed."""
    set_up(options.log_level)
    with explained(options, bad_config=BAD_CONFIG, tell=partial(_not_started, options)):
        settings = load(options.config)
        need_privilege()
        Daemon(options.config, settings).run()
    return 0


def _not_started(options: Namespace, reasons: Sequence[str]) -> None:
    more = f" (errors in all: {len(reasons)})" if len(reasons) > 1 else ""
    Notifier().status(f"{reasons[0]}{more}")
    if not (under_journald() and not_started(reasons)):
        complain(options, *reasons)
