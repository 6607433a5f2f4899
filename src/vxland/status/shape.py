"""The status as JSON, key by key; docs/api.md says what each means."""

from typing import Any, Literal, TypedDict

State = Literal["up", "down", "missing"]  # of a device, administratively
Json = dict[str, Any]


class RepairStatus(TypedDict):
    """The last thing done to a device."""

    what: str
    at: float


class TrafficStatus(TypedDict):
    """A device's counters."""

    receive_bytes: int
    transmit_bytes: int
    receive_packets: int
    transmit_packets: int
    receive_errors: int
    transmit_errors: int
    receive_drops: int
    transmit_drops: int


class TunnelStatus(TypedDict):
    """One tunnel."""

    peer: str
    address: str
    host: str | None
    local: str
    device: str
    vni: int
    port: int
    mtu: int
    state: State
    running: bool
    in_sync: bool
    since: float | None
    pending: list[str]
    last_repair: RepairStatus | None
    traffic: TrafficStatus | None
    learned_macs: int | None


class PortsStatus(TypedDict):
    """The ports of others in a bridge."""

    count: int
    too_large: list[str]
    isolated: list[str]


class OverlayStatus(TypedDict):
    """One overlay."""

    name: str
    bridge: str
    bridge_state: State
    mtu: int
    guards: list[str]
    guards_seen: bool
    ingress: Literal["peers", "exclusive", "off"]
    kept_out: int | None
    in_sync: bool
    since: float | None
    looping_pairs: int
    pending: list[str]
    waiting: list[str]
    ports: PortsStatus
    peers_wanted: int
    tunnels_present: int
    tunnels: list[TunnelStatus]


class ProblemStatus(TypedDict):
    """Something wrong, or worth knowing."""

    kind: str
    overlay: str
    peer: str
    device: str
    text: str
    cure: str
    since: float | None


class ConfigStatus(TypedDict):
    """The configuration in force, and why the file as it is now isn't, if so."""

    path: str
    digest: str
    loaded_at: float | None
    errors: list[str]
    refused_at: float | None


class CheckStatus(TypedDict):
    """The last turn."""

    at: float
    seconds: float


DaemonState = Literal["running", "silent", "not running"]


class NodeStatus(TypedDict):
    """The whole node."""

    version: str
    node: str
    daemon: DaemonState
    in_sync: bool
    since: float | None
    started_at: float | None
    config: ConfigStatus
    last_check: CheckStatus
    last_full_check: float
    node_pending: list[str]
    overlays: list[OverlayStatus]
    problems: list[ProblemStatus]


class ErrorStatus(TypedDict):
    """In place of all that, while nothing can be told."""

    error: str
