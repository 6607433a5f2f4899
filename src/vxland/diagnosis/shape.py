"""The diagnosis as JSON, key by key; docs/doctor.md says what each means."""

from typing import Literal, TypedDict

from vxland.status.shape import DaemonState

StateName = Literal["problem", "warning", "unknown", "ok"]


class FindingJson(TypedDict):
    """One line."""

    check: str
    state: StateName
    overlay: str
    peer: str
    device: str
    text: str
    cure: str


class CountsJson(TypedDict):
    """How many lines of each kind."""

    problem: int
    warning: int
    unknown: int
    ok: int


class DiagnosisJson(TypedDict):
    """The whole."""

    version: str
    node: str
    daemon: DaemonState
    at: float
    seconds: float
    counts: CountsJson
    findings: list[FindingJson]
