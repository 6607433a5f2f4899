"""Which programs vxland starts: few, by name, and none with words from the configuration."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from subprocess import PIPE

import pytest

import vxland
from vxland.identity import CHAIN
from vxland.kernel import ebtables as module
from vxland.kernel.ebtables import ENVIRONMENT, Ebtables
from vxland.operations import RemoveChain, WriteChain

SOURCES = Path(vxland.__file__).parent
STARTS: tuple[str, ...] = (
    *("os.system", "os.popen", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "subprocess."),
    *("pty.", "multiprocessing.", "asyncio.create_subprocess", "asyncio.subprocess"),
)
MODULES = frozenset({"os", "subprocess", "pty", "multiprocessing", "asyncio"})
HARMLESS = frozenset({"subprocess.CompletedProcess", "subprocess.TimeoutExpired"})
EVALUATED = frozenset({"eval", "exec", "compile", "__import__"})
UNWANTED = {"shell", "executable", "preexec_fn"}
PLACES = {  # where programs are started, and how
    ("bugreport/answer.py", "subprocess.Popen"),  # by who calls vxland bugreport
    ("commands/check.py", "subprocess.run"),  # by root: "test -r FILE" as the service's user
    ("kernel/child.py", "subprocess.Popen"),
}
STREAMS = ("stdin", "stdout", "stderr", "text", "errors")
RULES = ("-i vxl-+ -o vxl-+ -j DROP",)


@cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Everything in the source, and in which file it is."""
    return [
        (str(path.relative_to(SOURCES)), node)
        for path in sorted(SOURCES.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
    ]


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Every call, by its file and by what is called."""
    return (
        (path, ast.unparse(node.func), node) for path, node in nodes() if isinstance(node, ast.Call)
    )


def kinds() -> Iterator[tuple[str, str, ast.ClassDef]]:
    """Every class, by its file and by what it is a kind of."""
    return (
        (path, ast.unparse(base).partition("[")[0], node)
        for path, node in nodes()
        if isinstance(node, ast.ClassDef)
        for base in node.bases
    )


def test_programs_are_started_in_few_places() -> None:
    there = (*calls(), *kinds())
    found = {(path, name) for path, name, _ in there if name.startswith(STARTS)}
    assert {(path, name) for path, name in found if name not in HARMLESS} == PLACES


def test_what_starts_programs_is_called_by_its_whole_name() -> None:
    """So that the test above sees it."""
    for path, node in nodes():
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            assert not any(name.startswith(STARTS) for name in names), path
        elif isinstance(node, ast.Import):
            assert not any(alias.asname and alias.name in MODULES for alias in node.names), path


def test_there_is_no_shell_and_nothing_is_evaluated() -> None:
    for path, name, call in calls():
        assert name not in EVALUATED, path
        if name.startswith(STARTS):
            assert not words(call) & UNWANTED, path
    for path, name, kind in kinds():
        if name.startswith(STARTS):
            inside = [node for node in ast.walk(kind) if isinstance(node, ast.Call)]
            assert not {word for call in inside for word in words(call)} & {*UNWANTED, None}, path


def words(call: ast.Call) -> set[str | None]:
    """The names of a call's arguments; None stands for those that aren't written there."""
    return {keyword.arg for keyword in call.keywords}


def test_ebtables_is_all_that_the_daemon_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """With these words, whatever is to be done: rules go to its standard input."""
    started: set[tuple[str, ...]] = set()
    start = subprocess.Popen.__init__

    def instead(self: "subprocess.Popen[str]", command: list[str], **options: object) -> None:
        assert options["env"] == ENVIRONMENT
        assert options.keys() == {*STREAMS, "env", "close_fds"}
        started.add(tuple(command))
        start(self, ["true"], stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True)

    def found(program: str, path: str) -> str:
        assert path == ENVIRONMENT["PATH"]
        return f"/usr/sbin/{program}"

    monkeypatch.setattr(shutil, "which", found)
    monkeypatch.setattr(subprocess.Popen, "__init__", instead)
    for variant in ("legacy", "nft"):
        monkeypatch.setattr(module, "_variant", lambda _, variant=variant: variant)
        ebtables = Ebtables()
        ebtables.read(others=True)
        for operation in (WriteChain("", CHAIN, RULES, (), ()), RemoveChain("", CHAIN, (), ())):
            ebtables.begin(operation)()
        ebtables.close()
    assert started == {
        ("/usr/sbin/ebtables-save",),
        ("/usr/sbin/ebtables-restore", "--noflush"),
        ("ebtables", "-t", "filter", "-L"),
    }
