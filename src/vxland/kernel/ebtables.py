"""ebtables, nft or legacy, whichever the system has: read by -save, written by -restore.

``-restore --noflush`` applies a whole script as one transaction, so that the guard has no gap
while it is rewritten, and touches nothing that the script doesn't name.
"""

import contextlib
import os
import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from vxland.execution import Failure
from vxland.identity import CHAIN
from vxland.kernel.child import Child
from vxland.kernel.ebtables_text import FILTER, FORWARD, TABLE, legacy_script, parse
from vxland.kernel.ebtables_trouble import WITHOUT_LEGACY, unusable
from vxland.kernel.filter_chains import read_chains
from vxland.kernel.generation import Generation
from vxland.observed import EbtablesState, Unavailable
from vxland.operations import Operation, RemoveChain, RetireRules, TrimChain, WriteChain
from vxland.tables.ebtables import (
    chain_script,
    removal_script,
    retirement_script,
    standing,
    trim_script,
)

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C"}
NFT = "nft"  # what the programs of the nft variant have in their names
REMEMBERED = 64
TIMEOUT = 5.0  # seconds; it takes some ten milliseconds …
EACH = 0.001  # … and a line of a script less than this, whatever else is in the chain
MISSING = Unavailable("the program ebtables isn't installed", "Install it: apt install iptables")
BY_HAND = "Run it by hand to see why"
UNTRUE = Unavailable(f"ebtables-save doesn't show the chain {CHAIN}, which is there", BY_HAND)
TRIES = 3  # to remove what others may be removing too
_located = lru_cache(8)(Path)  # a path's parts are interned, and each look asks

SCRIPTS: dict[type[Operation], Callable[[Any], tuple[str, ...]]] = {
    WriteChain: chain_script,
    TrimChain: trim_script,
    RemoveChain: removal_script,
    RetireRules: retirement_script,
}


class _Restoring(NamedTuple):
    """A transaction that goes on."""

    process: Child
    lines: int  # of its script
    before: int | None  # nftables' generation
    nft: bool


class Ebtables:
    """The filter table of the bridge family in this network namespace."""

    def __init__(self, generation: Generation | None = None) -> None:
        self.runs = 0  # processes started so far, to be counted in tests
        self._generation = generation or Generation()
        self._last: tuple[str, int | None, EbtablesState] | None = None
        self._whole = False  # what was read last has others' rules, too
        self._failed = False  # what was to be written last
        self._ahead: Child | None = None  # what waits for its script
        self.processes: deque[int] = deque(maxlen=REMEMBERED)  # the last of them, by number

    def read(self, *, others: bool = False) -> EbtablesState | Unavailable:
        """vxland's chain and what stands in FORWARD, or why that can't be seen.

        While nftables' generation stands still, ebtables-nft would print what it printed last. And
        while there is no chain of vxland's, nobody has to ask it what else there is: unless
        ``others`` are asked for, what they have in FORWARD may be missing then. That ebtables works
        shows when the chain is written; if it doesn't, ebtables-save is asked why.
        """
        if (program := _which("ebtables-save")) is None:
            self._last = None
            return MISSING
        variant = _variant(program)
        generation = self._generation.at_look() if NFT in variant else None
        if generation is None:
            self._last = None
        elif self._last is not None:
            *seen, state = self._last
            if seen == [variant, generation] and (self._whole or not others):
                return state
        if generation is not None and not self._failed:
            plain = self._read_plain(generation, others=others)
            if plain is not None:
                self._last, self._whole = (variant, generation, plain), others
                return plain
        printed = self._print(program)
        if generation is not None and self._is_untrue(printed):
            printed = UNTRUE
        # That it couldn't be run this time says nothing about the next.
        self._last = None if isinstance(printed, Unavailable) else (variant, generation, printed)
        self._whole = True
        return printed

    def read_again(self) -> EbtablesState | Unavailable:
        """The same; which program there is doesn't matter while nftables' rules stand still."""
        _, generation, state = self._last or ("", None, None)
        stands = generation is not None and generation == self._generation.at_look()
        return state if state is not None and stands else self.read()

    def _read_plain(self, generation: int, *, others: bool) -> EbtablesState | None:
        """What netlink alone tells: that there is nothing, or only what vxland writes."""
        if self._is_empty(others=others):
            return EbtablesState()
        if others or self._generation.netlink is None:
            return None
        state = read_chains(self._generation.netlink)
        return state if self._generation.read() == generation else None

    def _is_untrue(self, printed: EbtablesState | Unavailable) -> bool:
        """Whether vxland's chain is there, and what was printed lacks it."""
        unseen = isinstance(printed, EbtablesState) and printed.chain is None
        return unseen and not self._generation.lacks(FILTER, CHAIN)

    def _is_empty(self, *, others: bool) -> bool:
        """Whether ebtables-nft has no chain of vxland's, nor the one that ``others`` would use."""
        chains = (CHAIN, FORWARD) if others else (CHAIN,)
        return all(self._generation.lacks(FILTER, chain) for chain in chains)

    def close(self) -> None:
        """Close the socket."""
        self._generation.close()

    def _print(self, program: str) -> EbtablesState | Unavailable:
        try:
            done = self._save(program)
        except (OSError, subprocess.TimeoutExpired) as error:
            return Unavailable(f"ebtables-save doesn't run: {error}", BY_HAND)
        if done.returncode != 0:
            return unusable(done.stderr, nft=_is_nft(program))
        if not _is_nft(program) and TABLE not in done.stdout.splitlines():
            return Unavailable("ebtables-save doesn't show the table filter", WITHOUT_LEGACY)
        try:
            return parse(done.stdout)
        except LookupError:  # a line that ends too early
            return Unavailable("ebtables-save prints what can't be read", BY_HAND)

    def _save(self, program: str) -> "subprocess.CompletedProcess[str]":
        """Run ebtables-save; the legacy one leaves out tables whose modules nobody has loaded."""
        done = self._run([program])
        if _is_nft(program) or done.returncode != 0 or TABLE in done.stdout.splitlines():
            return done
        asked = self._run(["ebtables", "-t", "filter", "-L"])  # loads it, or says why not
        return self._run([program]) if asked.returncode == 0 else asked

    @contextlib.contextmanager
    def ahead(self) -> Iterator[None]:
        """Start what carries out the next operation; without one it ends with nothing told."""
        program = _which("ebtables-restore")
        if program is not None:
            with contextlib.suppress(OSError):  # which the operation itself says
                self._ahead = self._start([program, "--noflush"])
        try:
            yield
        finally:
            if self._ahead is not None:
                with self._ahead as process:
                    process.kill()
                self._ahead = None

    def begin(self, operation: Operation) -> Callable[[], Failure | None]:
        """Carry out an operation on rules, in one transaction.

        It may go on till what is returned is called, which waits for the end. Nobody else here may
        change nftables' rules meanwhile, or look at them.
        """
        if isinstance(operation, RetireRules):
            failure = self._retire(operation)
            return lambda: failure
        return partial(self._end, self._restore(operation))

    def _retire(self, operation: RetireRules) -> Failure | None:
        failure = None
        for _ in range(TRIES):  # whoever else removes one of them meanwhile fails all
            seen = self.read(others=True)
            if isinstance(seen, Unavailable):
                return Failure(seen.reason, seen.cure)
            rules = standing(operation.rules, seen.forward)
            again = replace(operation, rules=rules)
            failure = self._end(self._restore(again)) if rules else None
            if failure is None:
                break
        return failure

    def _end(self, begun: _Restoring | Failure) -> Failure | None:
        failure = begun if isinstance(begun, Failure) else self._outcome(begun)
        if failure is not None:
            self._last = None
        self._failed = failure is not None
        return failure

    def _restore(self, operation: Operation) -> _Restoring | Failure:
        program = _which("ebtables-restore")
        if program is None:
            return Failure(MISSING.reason, MISSING.cure)
        script: Iterable[str] = SCRIPTS[type(operation)](operation)
        nft = _is_nft(program)
        lines = [*(script if nft else legacy_script(script)), ""]
        text = "\n".join(lines)
        before = self._generation.now() if nft else None
        try:
            process, self._ahead = self._ahead or self._start([program, "--noflush"]), None
        except OSError as error:
            return _not_run(error)
        try:
            process.tell(text)
        except BaseException:  # of memory that lacks, say: nobody would wait for it
            with process:
                process.kill()
            raise
        return _Restoring(process, len(lines), before, nft=nft)

    def _outcome(self, begun: _Restoring) -> Failure | None:
        try:
            done = _done(begun.process, begun.lines)
        except (OSError, subprocess.TimeoutExpired) as error:
            return _not_run(error)
        if done.returncode != 0:
            problem = unusable(done.stderr, nft=begun.nft)
            return Failure(problem.reason, problem.cure)
        if begun.before is not None and not self._generation.has_moved(begun.before):
            return Failure("ebtables-restore says that it is done, and did nothing", BY_HAND)
        return None

    def _run(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        return _done(self._start(command))

    def _start(self, command: Sequence[str]) -> Child:
        process = Child(command, ENVIRONMENT)  # fixed programs, fixed PATH
        self.runs += 1
        self.processes.append(process.pid)
        return process


def _not_run(error: Exception) -> Failure:
    return Failure(f"ebtables-restore doesn't run: {error}", BY_HAND)


def _done(process: Child, lines: int = 0) -> "subprocess.CompletedProcess[str]":
    """What it said, and how it ended, having been told so many lines."""
    with process:
        try:
            output, complaint = process.hear(TIMEOUT + EACH * lines)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, complaint)


def _which(name: str) -> str | None:
    """Where a program is; each look asks, and shutil.which takes ten times as long."""
    paths = (f"{folder}/{name}" for folder in PATH.split(":"))
    return next((path for path in paths if os.access(path, os.X_OK)), None)


def _variant(program: str) -> str:
    """What the system's choice of ebtables comes down to, like ebtables-legacy-save."""
    try:
        there = _located(program).stat()  # where the links lead, in one go
    except OSError:
        return _located(program).name
    return _name_of(program, there.st_dev, there.st_ino)


@lru_cache(8)
def _name_of(program: str, _device: int, _inode: int) -> str:
    """Of a program, which is still that file: each repair asks."""
    return Path(program).resolve().name


def _is_nft(program: str) -> bool:
    return NFT in _variant(program)
