"""Prints vxland's completion for a shell: bash, zsh or fish."""

import argparse
import sys
from pathlib import Path

import shtab

from vxland import cli


def name_files(parser: argparse.ArgumentParser) -> None:
    """Have every argument that is a path completed as one."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to them
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - nor to these
            for word in action.choices.values():
                name_files(word)


top = cli.parser()
name_files(top)
print(shtab.complete(top, sys.argv[1]))
