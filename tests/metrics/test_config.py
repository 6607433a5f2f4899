"""What the metrics say of the configuration, and when it was last tried."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.daemon_view import metrics
from tests.lab import Server, Site, eventually
from tests.lab.site import HEAD, config

pytestmark = [pytest.mark.kernel, pytest.mark.daemon, pytest.mark.timeout(120, func_only=True)]

TEXT = config((1, 2), '[reconcile]\ninterval = "200ms"\n' + HEAD)
TRIED = "vxland_config_last_reload_timestamp_seconds"
GOOD = "vxland_config_last_reload_success"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Site(tmp_path, 1) as site:
        site.start(TEXT)
        yield site.servers[0]


def test_looking_at_an_unchanged_file_is_no_reload(server: Server) -> None:
    """Which is done at every interval."""
    before = metrics(server)
    assert before("vxland_full_check_interval_seconds") == 0.2
    at_intervals = before("vxland_reconciliations_total", trigger="interval")
    eventually(
        lambda: (
            metrics(server)("vxland_reconciliations_total", trigger="interval") >= at_intervals + 5
        ),
        "some intervals pass",
    )
    assert metrics(server)(TRIED) == before(TRIED)


def test_refused_and_mended(server: Server) -> None:
    """Each is a try; being refused still is none."""
    first = metrics(server)
    server.write(TEXT + "[[peer\n")
    eventually(lambda: metrics(server)(GOOD) == 0, "it is refused")
    refused = metrics(server)
    assert refused(TRIED) > first(TRIED)
    eventually(
        lambda: metrics(server)("vxland_last_full_check_timestamp_seconds") > refused(TRIED) + 1,
        "a second passes",
    )
    assert metrics(server)(TRIED) == refused(TRIED)
    server.write(TEXT)
    eventually(lambda: metrics(server)(GOOD) == 1, "it is good again")
    assert metrics(server)(TRIED) > refused(TRIED)


def test_asking_is_a_try(server: Server) -> None:
    """Also where nothing has changed."""
    before = metrics(server)(TRIED)
    server.vxland("reload", check=True)
    assert metrics(server)(TRIED) > before


def test_another_configuration_has_another_hash(server: Server) -> None:
    """As the status gives it."""
    before = server.status()["config"]["digest"]
    assert metrics(server)("vxland_config_info", digest=before) == 1
    server.configure(TEXT + "# another\n")
    after = server.status()["config"]["digest"]
    assert after != before
    seen = metrics(server)
    assert (seen("vxland_config_info", digest=after), seen("vxland_config_info")) == (1, 1)
