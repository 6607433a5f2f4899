"""What the daemon tells, or would: whether it runs, has this file in force, and is in sync."""

from collections.abc import Iterator

from vxland.diagnosis.facts import Facts
from vxland.diagnosis.finding import Finding, State
from vxland.makers.words import is_said
from vxland.problems import Kind
from vxland.status.shape import ProblemStatus


def daemon(facts: Facts) -> Iterator[Finding]:
    """Whether something keeps all this true."""
    if facts.status["daemon"] == "running":
        yield Finding(State.OK, "it runs")
    elif facts.status["daemon"] == "silent":
        text = "it doesn't answer: it was stopped (SIGSTOP), or hangs, and puts nothing right"
        yield Finding(State.PROBLEM, text, "See what it does: systemctl status vxland")
    else:
        text = "it doesn't run here: nothing puts right what breaks"
        yield Finding(State.WARNING, text, "systemctl enable --now vxland")


def config(facts: Facts) -> Iterator[Finding]:
    """Whether the configuration in force is the one on disk."""
    told = facts.status["config"]
    if told["errors"]:
        yield Finding(
            State.PROBLEM,
            f"{told['path']} was refused, and the last good one is in force: {told['errors'][0]}",
            f"See all that is wrong with it: vxland check {told['path']}",
        )
    elif told["digest"] != facts.digest:
        text = f"these files aren't in force; the daemon's are {told['path']} as it was read last"
        yield Finding(State.WARNING, text, "vxland reload")
    else:
        what = "in force" if facts.status["daemon"] == "running" else "valid"
        yield Finding(State.OK, f"{told['path']} is {what}")


def sync(facts: Facts) -> Iterator[Finding]:
    """Whether devices and rules are as wanted, and what stands in the way, or is a hint."""
    told = [problem for problem in facts.status["problems"] if not _is_refuted(problem, facts)]
    for problem in told:
        yield Finding(
            State.WARNING if problem["kind"] == Kind.HINT.value else State.PROBLEM,
            problem["text"],
            problem["cure"],
            problem["overlay"],
            problem["peer"],
            problem["device"],
        )
    if facts.status["in_sync"]:
        yield Finding(State.OK, "devices, bridges and rules are as configured")
    elif all(problem["kind"] == Kind.HINT.value for problem in told):
        running = facts.status["daemon"] == "running"
        cure = "See what is to be done: vxland status" if running else "vxland apply"
        yield Finding(State.PROBLEM, "devices, bridges or rules aren't as configured", cure)


def _is_refuted(problem: ProblemStatus, facts: Facts) -> bool:
    """Whether it is a hint that more is known about: a silent peer's tunnel that works, files."""
    if problem["kind"] != Kind.HINT.value:
        return False
    through = facts.through.get((problem["overlay"], problem["peer"]))
    return is_said(problem["text"]) or (through is not None and through.answered)
