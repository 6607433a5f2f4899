"""ebtables, nft or legacy, whichever the system has: read by -save, written by -restore.

``-restore --noflush`` applies a whole script as one transaction, so that the guard has no gap
while it is rewritten, and touches nothing that the script doesn't name.
"""

import re
import shutil
import subprocess
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from vxland.ebtables import chain_script, removal_script, trim_script
from vxland.execution import Failure
from vxland.identity import CHAIN
from vxland.kernel.generation import Generation
from vxland.observed import EbtablesRule, EbtablesState, Unavailable
from vxland.operations import Operation, RemoveChain, TrimChain, WriteChain

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C"}
NFT = "nft"  # what the programs of the nft variant have in their names
REMEMBERED = 64
TIMEOUT = 10.0  # seconds; it takes some ten milliseconds
MISSING = Unavailable("the program ebtables isn't installed", "Install it: apt install iptables")
FORWARD = "FORWARD"
RULE = re.compile(r"(?:-i (?P<source>\S+) )?(?:-o (?P<target>\S+) )?-j (?P<verdict>[A-Za-z0-9_-]+)")

SCRIPTS = {WriteChain: chain_script, TrimChain: trim_script, RemoveChain: removal_script}


class Ebtables:
    """The filter table of the bridge family in this network namespace."""

    def __init__(self) -> None:
        self.runs = 0  # processes started so far, to be counted in tests
        self._generation = Generation()
        self._last: tuple[str, int | None, EbtablesState | Unavailable] | None = None
        self.processes: deque[int] = deque(maxlen=REMEMBERED)  # the last of them, by number

    def read(self) -> EbtablesState | Unavailable:
        """vxland's chain and what stands in FORWARD, or why that can't be seen.

        While nftables' generation stands still, ebtables-nft would print what it printed last.
        """
        program = shutil.which("ebtables-save", path=PATH)
        if program is None:
            return MISSING
        variant = Path(program).resolve().name
        generation = self._generation.read() if NFT in variant else None
        if generation is None or self._last is None or self._last[:2] != (variant, generation):
            self._last = (variant, generation, self._print(program))
        return self._last[2]

    def close(self) -> None:
        """Close the socket."""
        self._generation.close()

    def _print(self, program: str) -> EbtablesState | Unavailable:
        try:
            done = self._run([program])
        except (OSError, subprocess.TimeoutExpired) as error:
            return Unavailable(f"ebtables-save doesn't run: {error}", "Run it by hand to see why")
        if done.returncode != 0:
            return _unusable(done.stderr)
        return parse(done.stdout)

    def write(self, operation: Operation) -> Failure | None:
        """Carry out one of the chain's operations."""
        program = shutil.which("ebtables-restore", path=PATH)
        if program is None:
            return Failure(MISSING.reason, MISSING.cure)
        script = SCRIPTS[type(operation)](operation)  # type: ignore[operator]
        try:
            done = self._run([program, "--noflush"], "\n".join(script) + "\n")
        except (OSError, subprocess.TimeoutExpired) as error:
            return Failure(f"ebtables-restore doesn't run: {error}", "Run it by hand to see why")
        if done.returncode != 0:
            problem = _unusable(done.stderr)
            return Failure(problem.reason, problem.cure)
        return None

    def _run(self, command: Sequence[str], script: str = "") -> "subprocess.CompletedProcess[str]":
        self.runs += 1
        process = subprocess.Popen(  # fixed programs, no shell, fixed PATH
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=ENVIRONMENT,
        )
        self.processes.append(process.pid)
        with process:
            try:
                output, complaint = process.communicate(script, TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(command, process.returncode, output, complaint)


def parse(saved: str) -> EbtablesState:
    """The output of ebtables-save, as far as it concerns vxland."""
    table = ""
    policy = None
    rules: dict[str, list[EbtablesRule]] = {CHAIN: [], FORWARD: []}
    for line in saved.splitlines():
        words = line.split()
        if line.startswith("*"):
            table = line[1:].strip()
        elif table != "filter" or not words:
            continue
        elif words[0] == f":{CHAIN}":
            policy = words[1]
        elif words[0] == "-A" and words[1] in rules:
            rules[words[1]].append(parse_rule(line.split(maxsplit=2)[2]))
    chain = None if policy is None else tuple(rules[CHAIN])
    return EbtablesState(chain, policy or "RETURN", tuple(rules[FORWARD]))


def parse_rule(text: str) -> EbtablesRule:
    """A rule as ebtables-save prints it, without ``-A CHAIN``."""
    text = " ".join(text.split())
    found = RULE.fullmatch(text)
    if found is None:
        return EbtablesRule(text, known=False)
    return EbtablesRule(text, found["source"], found["target"], found["verdict"])


def _unusable(stderr: str) -> Unavailable:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    message = lines[-1] if lines else "it gave no reason"
    if re.search(r"permission denied|not permitted|must be root", message, re.IGNORECASE):
        return Unavailable(
            f"ebtables may not be used: {message}",
            "Run vxland as root or with CAP_NET_ADMIN (ebtables-legacy: CAP_NET_RAW too)",
        )
    if "kernel doesn't support" in message:
        return Unavailable(
            f"this kernel has no ebtables-legacy: {message}",
            "Choose the nft one: update-alternatives --set ebtables /usr/sbin/ebtables-nft",
        )
    return Unavailable(f"ebtables failed: {message}", "Run ebtables-save by hand to see why")
