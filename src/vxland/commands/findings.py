"""A diagnosis as a person on call reads it: the worst first, equal lines of many peers as one."""

from collections.abc import Iterator, Sequence
from typing import Literal

from rich.text import Text

from vxland.commands.glance import BAD, GOOD, NOTE, SENTENCES
from vxland.commands.words import clean, took
from vxland.diagnosis import DiagnosisJson, FindingJson, State
from vxland.listing import some

STYLES = {"problem": BAD, "warning": NOTE, "unknown": "cyan", "ok": ""}
WORST_FIRST = [state.value for state in State]
NAMED = 5  # peers of one line, where something is to be done
NAMED_FINE = 3
CURES = 3  # ways to mend the same that are told, each with its peers
HERE = "this machine"
COUNTED: tuple[Literal["problem", "warning"], ...] = ("problem", "warning")  # in the verdict

Merged = tuple[FindingJson, list[str]]  # a line, and the peers that it is about


def lines(diagnosis: DiagnosisJson) -> Iterator[Text]:
    """From the top."""
    yield _verdict(diagnosis)
    overlays = dict.fromkeys(finding["overlay"] for finding in diagnosis["findings"])
    for overlay in sorted(overlays, key=bool):
        of = [finding for finding in diagnosis["findings"] if finding["overlay"] == overlay]
        yield Text("")
        yield Text(f"overlay {clean(overlay)}" if overlay else HERE, style="bold")
        for finding, peers in _merged(of):
            yield from _told(finding, peers)


def _verdict(diagnosis: DiagnosisJson) -> Text:
    counts = diagnosis["counts"]
    words = [
        f"{counts[state]} {state}{'s' * (counts[state] != 1)}" for state in COUNTED if counts[state]
    ]
    style = BAD if counts["problem"] else NOTE if words else GOOD
    if counts["unknown"]:
        words.append(f"{counts['unknown']} unknown")
    node = f"{clean(diagnosis['node'])}: " if diagnosis["node"] else ""
    said = ", ".join(words) or "all is well"
    return Text(f"{node}{said} (it took {took(diagnosis['seconds'])})", style=f"bold {style}")


def _merged(findings: Sequence[FindingJson]) -> list[Merged]:
    """The worst first; those that differ in the peer alone are one."""
    found: dict[tuple[str, ...], dict[str, Merged]] = {}
    for finding in findings:
        by_cure = found.setdefault((finding["state"], finding["check"], finding["text"]), {})
        _, peers = by_cure.setdefault(finding["cure"], (finding, []))
        peers += [finding["peer"]] if finding["peer"] else []
    merged = [one for by_cure in found.values() for one in _few(list(by_cure.values()))]
    return sorted(merged, key=lambda one: WORST_FIRST.index(one[0]["state"]))


def _few(alike: list[Merged]) -> list[Merged]:
    """What differs in the cure alone; where there are many, as with addresses in it, as one."""
    if len(alike) <= CURES or not alike[0][0]["peer"]:
        return alike
    first, _ = alike[0]
    cure = f"{first['cure'].rstrip('.')}. That is for {first['peer']}, and alike for the others"
    return [({**first, "cure": cure}, [peer for _, peers in alike for peer in peers])]


def _told(finding: FindingJson, peers: Sequence[str]) -> Iterator[Text]:
    most = NAMED_FINE if finding["state"] == State.OK.value else NAMED
    whose = f"{clean(some(peers, most))}: " if peers else ""
    head = f"  {finding['state']:<7}  {finding['check']:<9}  "
    yield Text(f"{head}{whose}{clean(finding['text'])}", style=STYLES[finding["state"]])
    for way in SENTENCES.split(finding["cure"]) if finding["cure"] else ():
        yield Text(f"{' ' * 11}{clean(way)}")
