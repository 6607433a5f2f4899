"""Answers as lines of JSON."""

import json
import tracemalloc

import pytest

from vxland.status.line import json_line

ROW = {"device": "vxl-lan-lxd1", "in_sync": True, "since": 1764172800.5, "host": None, "mtu": 1450}
MANY = {"tunnels": [{**ROW, "vni": vni} for vni in range(1000)]}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        MANY,
        {"text": 'a "quoted"\nline, Zürich, \u2028</script>'},
        {"number": 2**70, "path": "/etc/\udcff.toml"},  # as Python has a name that is no UTF-8
    ],
)
def test_what_it_says_is_the_answer(answer: dict[str, object]) -> None:
    line = json_line(answer)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == answer


def test_it_takes_not_much_more_memory_than_it_is_long() -> None:
    """A daemon asked for its status had four megabytes more of 1,000 peers, and kept them."""
    json_line(MANY)
    tracemalloc.start()
    try:
        line = json_line(MANY)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 4 * len(line)
