"""``vxland reload``: the daemon reads its configuration now; this waits until it is in force."""

import json
from argparse import Namespace

from vxland.commands.trouble import complain, explained
from vxland.control.client import NotRunning, ask


def run(options: Namespace) -> int:
    """0 in force, 1 refused, with the reason."""
    with explained(options):
        try:
            answer = ask("reload")
        except NotRunning:
            complain(options, "the daemon isn't running here. Start it: systemctl start vxland")
            return 1
    errors = answer.get("errors") or ([answer["error"]] if "error" in answer else [])
    if errors:
        complain(options, *errors)
        return 1
    print(json.dumps({"errors": []}, indent=2) if options.json else "the configuration is in force")
    return 0
