"""What vxland logs: each kind of line with an id of its own, and never a flood of them."""

from vxland.journal.journal import LEVELS, LOG, Journal, not_started, set_up, under_journald
from vxland.journal.messages import Message

__all__ = ["LEVELS", "LOG", "Journal", "Message", "not_started", "set_up", "under_journald"]
