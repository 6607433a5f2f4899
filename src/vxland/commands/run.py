"""``vxland run``: the daemon, in the foreground."""

import sys
from argparse import Namespace

from vxland.app import Daemon
from vxland.commands.trouble import explained, need_privilege
from vxland.config.load import load
from vxland.journal import set_up

BAD_CONFIG = 78  # EX_CONFIG, sysexits(3): the unit doesn't restart on it


def run(options: Namespace) -> int:
    """0 stopped, 78 bad configuration at start, 1 failed."""
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    set_up(options.log_level)
    with explained(options, bad_config=BAD_CONFIG):
        settings = load(options.config)
        need_privilege(options)
        Daemon(options.config, settings).run()
    return 0
