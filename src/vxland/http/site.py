"""What there is to be read over HTTP."""

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from vxland.status.shape import Json


@dataclass(frozen=True, slots=True)
class Site:
    """Where the answers come from.

    Metrics, status and events may take long, and are asked for in a thread of their own.
    """

    metrics: CollectorRegistry
    status: Callable[[], Json]  # with "error" where there is none
    events: Callable[[], Json]
    dead: Callable[[], str | None]  # why the daemon does nothing any more
    unready: Callable[[], str | None]  # why the node isn't as configured
