"""Whether this node works, end to end: what ``vxland doctor`` tells.

A check judges facts, and knows nothing of how they were had. One module each, one line here.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import cast

from msgspec.structs import replace

from vxland import __version__
from vxland.diagnosis.facts import Facts
from vxland.diagnosis.finding import Finding, State
from vxland.diagnosis.guests import guests
from vxland.diagnosis.ingress import ingress
from vxland.diagnosis.machine import cards, checksums, clock, rights
from vxland.diagnosis.macs import macs
from vxland.diagnosis.managers import managers
from vxland.diagnosis.offload import offload
from vxland.diagnosis.path import path
from vxland.diagnosis.port import port
from vxland.diagnosis.shape import CountsJson, DiagnosisJson, FindingJson
from vxland.diagnosis.told import config, daemon, sync
from vxland.diagnosis.tunnel import tunnel
from vxland.diagnosis.vni import vni

__all__ = [
    "CHECKS",
    "DiagnosisJson",
    "Facts",
    "Finding",
    "FindingJson",
    "State",
    "diagnose",
    "diagnosis_json",
]

# In the order in which they are told.
CHECKS: Mapping[str, Callable[[Facts], Iterator[Finding]]] = MappingProxyType(
    {
        "rights": rights,
        "daemon": daemon,
        "config": config,
        "sync": sync,
        "clock": clock,
        "managers": managers,
        "macs": macs,
        "checksums": checksums,
        "cards": cards,
        "guests": guests,
        "path": path,
        "port": port,
        "ingress": ingress,
        "vni": vni,
        "tunnel": tunnel,
        "offload": offload,
    }
)


def diagnose(facts: Facts) -> tuple[Finding, ...]:
    """What all checks find."""
    return tuple(
        replace(finding, check=name) for name, check in CHECKS.items() for finding in check(facts)
    )


def diagnosis_json(facts: Facts, at: float, seconds: float) -> DiagnosisJson:
    """The same as JSON."""
    findings = diagnose(facts)
    return {
        "version": __version__,
        "node": facts.status["node"],
        "daemon": facts.status["daemon"],
        "at": at,
        "seconds": seconds,
        "counts": cast(
            "CountsJson",
            {state.value: sum(f.state is state for f in findings) for state in State},
        ),
        "findings": [_finding_json(finding) for finding in findings],
    }


def _finding_json(finding: Finding) -> FindingJson:
    return {
        "check": finding.check,
        "state": finding.state.value,
        "overlay": finding.overlay,
        "peer": finding.peer,
        "device": finding.device,
        "text": finding.text,
        "cure": finding.cure,
    }
