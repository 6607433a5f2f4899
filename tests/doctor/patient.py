"""What the doctor says of a server, and doing what it says."""

import json
from typing import cast

from tests.lab import Server, eventually
from vxland.commands.doctor import FINDINGS, FINE
from vxland.diagnosis import DiagnosisJson, FindingJson

States = dict[tuple[str, str], str]
BAD = ("problem", "warning")


def examined(server: Server) -> DiagnosisJson:
    """The whole, with the exit status that goes with it."""
    done = server.vxland("doctor", "--json")
    assert done.returncode in (FINE, FINDINGS), done.stderr or done.stdout
    diagnosis = cast("DiagnosisJson", json.loads(done.stdout))
    assert (done.returncode == FINDINGS) is any(f["state"] in BAD for f in diagnosis["findings"])
    return diagnosis


def ails(server: Server, check: str, words: str, **about: str) -> tuple[FindingJson, States]:
    """Wait until this check finds one thing wrong, with these words, and about this.

    Gives it, and what the checks say of each peer.
    """
    seen: list[FindingJson] = []

    def there() -> bool:
        seen[:] = examined(server)["findings"]
        return len(wrong()) == 1 and words in wrong()[0]["text"]

    def wrong() -> list[FindingJson]:
        return [
            finding
            for finding in seen
            if finding["check"] == check
            and finding["state"] in BAD
            and about.items() <= finding.items()
        ]

    eventually(there, lambda: f"{check} says {words}; it says {seen}", patience=60)
    return wrong()[0], {(f["check"], f["peer"]): f["state"] for f in seen}


def is_well(server: Server, but: str = "") -> None:
    """Wait until nothing is wrong, nor unknown, but for what one check says."""
    seen: list[FindingJson] = []

    def well() -> bool:
        findings = examined(server)["findings"]
        seen[:] = [f for f in findings if f["state"] != "ok" and f["check"] != but]
        return not seen

    eventually(well, lambda: f"{server.name} is well; it has {seen}", patience=60)
