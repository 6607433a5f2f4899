"""The daemon's socket for the command line: a line of JSON in, a line of JSON out.

Anyone may ask for status and events; only root and the daemon's own user may ask for a reload.
"""

from typing import Any

NAME = "control.sock"
HEARD = b" "  # comes at once where the answer may take long: to JSON it is nothing
ANSWER_TIMEOUT = 60.0  # seconds for the daemon to answer, a turn of its included
LONGEST_REQUEST = 4096  # bytes

Json = dict[str, Any]
