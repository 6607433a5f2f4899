"""A real Prometheus scrapes by the recipe in docs/http.md."""

import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client import Metric
from prometheus_client.registry import Collector

from tests.http.recipe import Recipe, blocks
from tests.http.site import Stage, served
from tests.lab import eventually
from tests.prometheus.binary import program, promtool

pytestmark = [pytest.mark.daemon, pytest.mark.usefixtures("laboratory")]


class Scraped(Collector):
    """No metrics of its own: it counts who asks."""

    def __init__(self) -> None:
        self.times = 0
        self._lock = threading.Lock()

    def collect(self) -> Iterable[Metric]:
        """Once more."""
        with self._lock:
            self.times += 1
        return ()


def test_prometheus_scrapes_by_the_recipe(tmp_path: Path) -> None:
    """With its certificate, again and again."""
    recipe = Recipe(tmp_path)
    recipe.make()
    stage, scraped = Stage(), Scraped()
    stage.metrics.register(scraped)
    with served(stage, replace(recipe.settings(), listen=("127.0.0.1", 0))):
        recipe.port = stage.port
        (yaml,) = blocks("yaml")
        config = tmp_path / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s}\n"
            + recipe.here(yaml.replace("/etc/prometheus/vxland", str(recipe.ca)))
        )
        promtool("check", "config", str(config))
        seen = scraped.times
        words = [
            *("setpriv", "--pdeathsig", "KILL", "--", str(program("prometheus"))),
            *(f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}"),
            "--web.listen-address=127.0.0.1:0",
        ]
        log = tmp_path / "log"
        with (
            log.open("wb") as out,
            subprocess.Popen(words, stdout=out, stderr=out, stdin=subprocess.DEVNULL) as process,
        ):
            try:
                eventually(lambda: scraped.times >= seen + 3, log.read_text, 60)
            finally:
                process.kill()
