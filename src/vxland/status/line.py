"""An answer as a line of JSON, for the daemon's socket and for HTTP alike."""

import json

import msgspec

from vxland.status.shape import Json


def json_line(answer: Json) -> bytes:
    """The answer in UTF-8, and the end of the line.

    json.dumps makes a text of each name and number first: ten times as long, and of as much memory.
    """
    try:
        text = msgspec.json.encode(answer)
    except UnicodeEncodeError:  # the path of a file whose name is none in UTF-8
        text = json.dumps(answer).encode()
    return text + b"\n"
