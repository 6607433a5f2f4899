"""What there is to be read over HTTP."""

from collections.abc import Callable

from msgspec import Struct

from vxland.status.shape import Json


class Site(Struct, frozen=True):
    """Where the answers come from.

    Metrics, status and events may take long, and are made in a thread of their own.
    """

    # For an Accept header, which is answered at once: what makes the text, and its media type.
    metrics: Callable[[str], tuple[Callable[[], bytes], str]]
    status: Callable[[], Json]  # with "error" where there is none
    events: Callable[[], Json]
    dead: Callable[[], str | None]  # why the daemon does nothing any more
    unready: Callable[[], str | None]  # why the node isn't as configured
