"""The demo: vxland's main job, shown and checked on this machine. See scripts/demo."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time

from demo_screen import Screen
from demo_stage import FOLDER, ROOT, Interrupted, Interrupts, Refused, Stage, clean
from demo_tour import Failed, Tour
from tests.lab.server import VXLAND

TOOLS = {
    "ip": "iproute2",
    "bridge": "iproute2",
    "ebtables": "iptables",
    "ping": "iputils-ping",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
}


def play(stage: Stage, screen: Screen) -> bool:
    """Show every check until one doesn't hold; whether all did."""
    started = time.monotonic()
    tour = Tour(stage)
    checks = tour.checks()
    good = 0
    for what, check in checks.items():
        screen.begin(what)
        try:
            first, _, more = check().partition("\n")
        except (Failed, AssertionError, OSError, subprocess.SubprocessError) as error:
            stage.interrupts.check()  # it may be why: every program in the foreground gets Ctrl-C
            screen.failed(what, str(error))
            break
        screen.held(what, first)
        if more:
            screen.quote(more)
        good += 1
    took = time.monotonic() - started
    if good == len(checks):
        screen.say(f"all {good} checks held, in {took:.0f} s")
    else:
        screen.say(f"{good} of {len(checks)} checks held; the rest wasn't tried")
    if stage.keep:
        stage.stays = True
        screen.say(LOOK_AROUND.format(vxland=VXLAND, folder=FOLDER, demo=ROOT / "scripts/demo"))
    return good == len(checks)


TITLE = "vxland: three servers, one Ethernet segment, a container behind each bridge"
LOOK_AROUND = """
It is left running. Look around, as root:
  ip netns exec vxland-demo-lxd1 {vxland} status
  ip netns exec vxland-demo-lxd1 bridge -d link
  ip netns exec vxland-demo-lxd1 ip link del vxl-lan-lxd2
  ip netns exec vxland-demo-lxd1-guest ping -c3 10.10.10.2
  tail -f {folder}/vxland-demo-lxd1/vxland.log
The configuration is {folder}/vxland-demo-lxd1/vxland.toml and the same for lxd2 and lxd3.
End it: {demo} --clean"""


def refuse_without_means() -> None:
    """Look for what the demo needs. Raises Refused."""
    if os.geteuid() != 0:
        raise Refused("this needs root, for network namespaces. Run it as root: sudo scripts/demo")
    missing = {tool: package for tool, package in TOOLS.items() if not shutil.which(tool)}
    if missing:
        raise Refused(
            f"not found: {', '.join(missing)}. Install: apt install"
            f" {' '.join(sorted(set(missing.values())))} (and have /usr/sbin in PATH)"
        )
    if not VXLAND.exists():
        raise Refused(f"there is no {VXLAND}. Run scripts/demo, which makes it")


def main() -> int:
    """Run the demo; returns the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--keep", action="store_true", help="leave it running, to look around")
    choice.add_argument("--clean", action="store_true", help="end what --keep left running")
    options = parser.parse_args()
    interrupts = Interrupts()
    screen = Screen()
    try:
        refuse_without_means()
        if options.clean:
            interrupts.ignore()
            screen.say("ended and removed" if clean() else "nothing was left running")
            return 0
        with Stage(interrupts, keep=options.keep) as stage:
            screen.title(TITLE)
            return 0 if play(stage, screen) else 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads any more
        return 1
    except (Refused, AssertionError, OSError, subprocess.SubprocessError) as error:
        if not interrupts.came:
            print(f"scripts/demo: {error}", file=sys.stderr)
            return 1
    except Interrupted:
        pass
    screen.say("interrupted; all is cleaned up")
    return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
