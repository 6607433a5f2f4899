"""The command line: which words there are, and which module does what they say.

It imports no package from elsewhere: ``vxland --help`` needs none, and completions are made of it
before there are any.
"""

import argparse
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, NoReturn

from vxland import __version__
from vxland.process.litter import left_to_the_end

CONFIG = Path("/etc/vxland.toml")
WRONG_COMMAND_LINE = 64  # EX_USAGE, sysexits(3)
PAUSE = 2.0  # seconds between two looks
PAUSES = (0.1, 86400.0)  # that may be asked for
LEVELS = ("debug", "info", "warning", "error")
SWITCH: Mapping[str, Any] = {"action": "store_true"}


class Option(NamedTuple):
    """An option or argument of one command: a switch, or what ``settings`` make of it."""

    names: tuple[str, ...]
    help: str
    settings: Mapping[str, Any] = SWITCH


class Command(NamedTuple):
    """A word of the command line; its module is imported only when it is said."""

    name: str
    help: str
    json: bool = True
    options: tuple[Option, ...] = ()


def seconds(text: str) -> float:
    """A pause as it is written. Raises ArgumentTypeError."""
    try:
        pause = float(text)
    except ValueError:
        pause = 0.0
    shortest, longest = PAUSES
    if not shortest <= pause <= longest:
        raise argparse.ArgumentTypeError(
            f"{text!r} isn't a number of seconds from {shortest:g} to {longest:g}"
        )
    return pause


def number(text: str) -> int:
    """How many, as it is written. Raises ArgumentTypeError."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} isn't a number from 0")
    return int(text)


ADOPT = Option(
    ("--adopt",), "take over matching devices that something else made, as with adopt = true"
)

COMMANDS = (
    Command("run", "run the daemon in the foreground", json=False),
    Command(
        "check",
        "validate the configuration without touching anything",
        options=(
            Option(("file",), "instead of PATH", {"nargs": "?", "type": Path, "metavar": "FILE"}),
        ),
    ),
    Command(
        "plan",
        "show what would change, and how much that disturbs",
        options=(Option(("--commands",), "as ip, bridge, ebtables and nft lines"), ADOPT),
    ),
    Command("apply", "reconcile once, without the daemon", options=(ADOPT,)),
    Command("reload", "have the daemon read its configuration now"),
    Command("down", "remove what is vxland's, and nothing else"),
    Command(
        "status",
        "show overlays, tunnels and what is wrong with them",
        options=(
            Option(("--all",), "every tunnel, however many there are"),
            Option(
                ("--watch",),
                f"follow it, with a look every so many seconds; default: {PAUSE:g}",
                {"nargs": "?", "type": seconds, "const": PAUSE, "metavar": "SECONDS"},
            ),
        ),
    ),
    Command(
        "events",
        "show what happened lately, and what was done about it",
        options=(
            Option(("-f", "--follow"), "go on, until it is interrupted"),
            Option(
                ("-n", "--lines"),
                "the last so many; default: all",
                {"type": number, "metavar": "N"},
            ),
        ),
    ),
    Command(
        "import-script",
        "make a configuration of vxlansetup.sh, one from each server",
        json=False,
        options=(
            Option(
                ("--output",),
                "write it there, where nothing is yet",
                {"type": Path, "metavar": "NEW"},
            ),
            Option(
                ("files",),
                "a script; it isn't run",
                {"nargs": "+", "type": Path, "metavar": "FILE"},
            ),
        ),
    ),
    Command(
        "bugreport",
        "pack what an issue needs into one file, without secrets",
        json=False,
        options=(
            Option(
                ("-o", "--output"),
                "where to, - for standard output; default: vxland-NODE-TIME.tar.gz here",
                {"metavar": "FILE"},
            ),
        ),
    ),
    Command("doctor", "check this node and its peers end to end, and say what mends it"),
    Command("schema", "print the configuration's JSON Schema", json=False),
)


class Parser(argparse.ArgumentParser):
    """A parser that exits with 64 where the command line is wrong."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and end."""
        self.print_usage(sys.stderr)
        self.exit(WRONG_COMMAND_LINE, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = Parser(prog="vxland", description="Keeps servers in one Ethernet segment, over VXLAN.")
    top.add_argument("--version", action="version", version=f"vxland {__version__}")
    words = top.add_subparsers(metavar="COMMAND", required=True, dest="command")
    for command in COMMANDS:
        word = words.add_parser(command.name, help=command.help, description=command.help)
        word.add_argument(
            "--config", type=Path, default=CONFIG, metavar="PATH", help=f"default: {CONFIG}"
        )
        word.add_argument("--log-level", choices=LEVELS, default="info", help="default: info")
        if command.json:
            word.add_argument("--json", action="store_true", help="print JSON")
        for option in command.options:
            word.add_argument(*option.names, help=option.help, **option.settings)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status. Without arguments it is the process's own."""
    if arguments is None:
        with left_to_the_end():
            return main(sys.argv[1:])
    options = parser().parse_args(arguments)
    try:
        return int(_imported(options.command).run(options))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads any more; don't complain at exit either
        return 1


def _imported(command: str) -> ModuleType:
    """The command's module. Ctrl-C ends the process at once meanwhile: nothing is begun yet."""
    interrupt = signal.getsignal(signal.SIGINT)
    if interrupt is signal.default_int_handler:  # not ignored, as a shell's background jobs have it
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return import_module(f"vxland.commands.{command.replace('-', '_')}")
    finally:
        signal.signal(signal.SIGINT, interrupt)


if __name__ == "__main__":
    sys.exit(main())
