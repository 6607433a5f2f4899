"""What passed through a tunnel, as numbers that only grow."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Traffic:
    """A device's counters since it was made: packets and bytes (struct rtnl_link_stats64)."""

    receive_packets: int = 0
    transmit_packets: int = 0
    receive_bytes: int = 0
    transmit_bytes: int = 0
    receive_errors: int = 0
    transmit_errors: int = 0
    receive_drops: int = 0
    transmit_drops: int = 0
