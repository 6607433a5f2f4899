"""The man pages say what the command line and the schema say, and render cleanly."""

import argparse
import json
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.unit.written import OVERLAY, PEERS, errors_in
from vxland import journal
from vxland.cli import COMMANDS, WRONG_COMMAND_LINE, parser
from vxland.commands import bugreport, doctor, events, import_script, plan, run, status
from vxland.config.schema import HEADERS, KEYS, LISTS, TABLES
from vxland.problems import Kind

PAGES = Path(__file__).parents[2] / "packaging" / "man"
PROGRAM = "vxland.8"
FILE = "vxland.toml.5"
OTHERS = re.compile(  # other programs' options
    r"systemctl \w+ --now|journalctl( -[uo] \w+| --since \w+| -x)+"
    r"|ebtables --version|mkdir -p|jq -r"
)
STATUSES = {
    "run": {0, run.BAD_CONFIG, 1},
    "check": {0, 1},
    "plan": {plan.NOTHING, plan.CHANGES, plan.BLOCKED},
    "apply": {0, 1},
    "reload": {0, 1},
    "down": {0, 1},
    "status": {status.IN_SYNC, status.NOT_IN_SYNC, status.NOT_RUNNING, status.ERROR},
    "events": {events.TOLD, events.NOT_RUNNING, events.ERROR},
    "import-script": {import_script.MADE, import_script.NOT_MADE},
    "bugreport": {bugreport.WRITTEN, bugreport.ERROR},
    "doctor": {doctor.FINE, doctor.FINDINGS, doctor.ERROR},
    "schema": {0},
}


def mandoc(page: str, *options: str) -> str:
    """What mandoc prints about a page; where it isn't installed, that is the failure."""
    done = subprocess.run(
        ["mandoc", *options, str(PAGES / page)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.stdout + done.stderr


@cache
def shown(page: str) -> str:
    """A page as it is read, without bold and underlined, and with each paragraph on one line."""
    return re.sub(".\b", "", mandoc(page, "-Tascii", "-Owidth=1000"))


def parts(text: str, indent: int) -> dict[str, str]:
    """Text by its headings, or tags, that are indented so far: a word, or all that is in it."""
    split = re.split(rf"^ {{{indent}}}(?=\S)", text, flags=re.MULTILINE)[1:]
    found = {part.split("\n")[0].split("  ")[0]: part for part in split}
    assert len(found) == len(split)
    return found


def section(page: str, title: str) -> str:
    """The text of a section."""
    return parts(shown(page), 0)[title]


def words_of_the_command_line() -> dict[str, argparse.ArgumentParser]:
    """Every command's parser."""
    (action,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


def actions() -> list[argparse.Action]:
    """Everything that may stand on the command line."""
    parsers = [parser(), *words_of_the_command_line().values()]
    return [action for one in parsers for action in one._actions]


OPTIONS = sorted({option for action in actions() for option in action.option_strings})


@pytest.mark.parametrize("page", [PROGRAM, FILE])
def test_a_page_is_without_fault(page: str) -> None:
    """As mandoc's own check sees it."""
    assert mandoc(page, "-Tlint", "-Wwarning") == ""


def test_the_synopsis_is_the_command_line() -> None:
    """Each command with its options, in their order, and no other."""
    lines = [line.strip() for line in section(PROGRAM, "SYNOPSIS").splitlines()[1:] if line]
    wanted = ["vxland --version", "vxland --help"]
    for name, word in words_of_the_command_line().items():
        accepted = [_written(action) for action in word._actions if action.dest != "help"]
        wanted.append(" ".join(["vxland", name, *accepted]))
    assert sorted(wanted) == sorted(lines)


def _written(action: argparse.Action) -> str:
    """An option or argument as a synopsis has it."""
    switch = action.nargs == 0
    value = [] if switch else [action.metavar or action.dest.removeprefix("log_").upper()]
    if action.nargs == "?" and action.option_strings:
        value = [f"[{word}]" for word in value]
    words = " ".join([*action.option_strings, *map(str, value)])
    return f"{words} ..." if action.nargs == "+" else f"[{words}]"


def test_every_option_is_explained() -> None:
    """And no other, with its choices and its default."""
    explained = parts(section(PROGRAM, "OPTIONS"), 5)
    by_option = {
        option: text for tag, text in explained.items() for option in re.findall(r"--?[\w-]+", tag)
    }
    assert sorted(by_option) == OPTIONS
    for action in actions():
        for option in action.option_strings:
            text = by_option[option]
            assert [word for word in action.choices or () if word not in text] == []
            if action.nargs != 0 and action.default is not None:
                assert f"default: {action.default}." in text


@pytest.mark.parametrize("page", [PROGRAM, FILE])
def test_no_option_is_named_that_does_not_exist(page: str) -> None:
    """Anywhere in the pages, but for those of other programs."""
    text = OTHERS.sub("", shown(page))
    assert set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", text)) <= set(OPTIONS)


def test_every_command_is_explained_with_its_exit_statuses() -> None:
    """In the order of the help, and no other."""
    commands = parts(section(PROGRAM, "COMMANDS").partition("CAP_NET_ADMIN.\n")[2], 5)
    found = {
        tag: re.findall(r"\b\d+\b", text.partition("Exit status: ")[2])
        for tag, text in commands.items()
    }
    assert list(found) == [command.name for command in COMMANDS]
    assert {name: sorted(map(str, codes)) for name, codes in STATUSES.items()} == {
        name: sorted(codes) for name, codes in found.items()
    }


def test_the_exit_statuses_of_all_commands_are_named() -> None:
    """A wrong command line's, and that of an interrupted command."""
    listed = re.findall(r"^ {5}(\d+)", section(PROGRAM, "EXIT STATUS"), re.MULTILINE)
    assert listed == [str(WRONG_COMMAND_LINE), "130"]


def test_every_kind_of_problem_is_explained() -> None:
    """And no other, in the order of the code."""
    kinds = re.findall(r"^ {5}([a-z]+)  ", section(PROGRAM, "DIAGNOSTICS"), re.MULTILINE)
    assert kinds == [kind.value for kind in Kind]


def test_the_fields_of_the_journal_are_real() -> None:
    """Those that the manual tells to search for, and the three that matter most are among them."""
    source = "".join(file.read_text() for file in Path(journal.__path__[0]).glob("*.py"))
    named = set(re.findall(r"VXLAND_[A-Z_]+", shown(PROGRAM)))
    assert named >= {"VXLAND_OVERLAY", "VXLAND_PEER", "VXLAND_DEVICE"}
    assert named <= set(re.findall(r"\b(VXLAND_[A-Z_]+)=", source))


def keys() -> dict[str, dict[str, str]]:
    """The keys that vxland.toml(5) explains, by table, each with the head of its text."""
    tables = parts(section(FILE, "TABLES"), 3)
    return {
        table: dict(re.findall(r"^ {5}(\w+) \((.*)\)$", text, re.MULTILINE))
        for table, text in tables.items()
    }


def test_every_key_is_explained_and_no_other() -> None:
    """In the order of the schema within its table."""
    expected = {HEADERS[name]: list(table.model_fields) for name, table in (TABLES | LISTS).items()}
    assert expected == {table: list(found) for table, found in keys().items()}


@pytest.mark.parametrize(
    "key", sorted((table, key) for table, of in KEYS.items() for key in of), ids=" ".join
)
def test_a_keys_default_is_the_schemas(key: tuple[str, str]) -> None:
    """As TOML, or in words where the schema has none."""
    table, name = key
    kind = {HEADERS[name]: table for name, table in (TABLES | LISTS).items()}[table]
    field = kind.model_fields[name]
    _, told = keys()[table][name].split("; ", 1)
    if field.is_required():
        assert told == "required"
    elif field.default is None or field.default_factory:
        assert re.fullmatch("default: .*[a-z].*", told)
    else:
        value = list(field.default) if isinstance(field.default, tuple) else field.default
        assert told == f"default: {json.dumps(value)}"


def examples(page: str) -> list[str]:
    """The displays that are TOML."""
    source = (PAGES / page).read_text()
    displays = re.findall(r"^\.Bd -literal.*\n((?:.*\n)*?)\.Ed$", source, re.MULTILINE)
    return [display for display in displays if re.search(r"^\[", display, re.MULTILINE)]


@pytest.mark.parametrize("example", examples(FILE))
def test_the_examples_are_valid(tmp_path: Path, example: str) -> None:
    """A person may copy them, beside what they lack."""
    before = "" if "[[overlay]]" in example else OVERLAY
    after = "" if "[[peer]]" in example else PEERS
    assert errors_in(tmp_path, before + example + after) == ()
