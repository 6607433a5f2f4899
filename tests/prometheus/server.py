"""A real Prometheus, for the length of a test."""

import http.client
import json
import subprocess
import urllib.parse
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from tests.lab import Namespace, eventually
from tests.prometheus.binary import program

PORT = 9090
CONFIG = """\
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files: [{rules}]
scrape_configs:
  - job_name: vxland
    static_configs:
"""
TARGET = '      - targets: ["{address}"]\n        labels: {{instance: {name}}}\n'

Labels = dict[str, str]


class Prometheus:
    """Runs in a namespace and scrapes targets (address by name) every second."""

    def __init__(
        self, namespace: Namespace, folder: Path, rules: Path, targets: Mapping[str, str]
    ) -> None:
        self._namespace = namespace
        folder.mkdir()
        config = folder / "prometheus.yml"
        listed = (TARGET.format(name=name, address=at) for name, at in targets.items())
        config.write_text(CONFIG.format(rules=rules) + "".join(listed))
        self._log = folder / "log"
        words = [
            *("setpriv", "--pdeathsig", "KILL", "--"),
            *namespace.command(str(program("prometheus"))),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{PORT}",
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def __enter__(self) -> Self:
        eventually(self._is_ready, lambda: f"Prometheus is ready:\n{self._log.read_text()}", 60)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def query(self, expression: str) -> list[tuple[Labels, float]]:
        """The answer to an instant query."""
        data = self._api("/api/v1/query", query=expression)
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(sample["metric"], float(sample["value"][1])) for sample in data["result"]]

    def rules(self) -> Sequence[Mapping[str, Any]]:
        """The rules that are in force."""
        return [rule for group in self._api("/api/v1/rules")["groups"] for rule in group["rules"]]

    def firing(self) -> list[Labels]:
        """The labels of the alerts that fire now."""
        alerts = self._api("/api/v1/alerts")["alerts"]
        return [alert["labels"] for alert in alerts if alert["state"] == "firing"]

    def _api(self, path: str, **words: str) -> dict[str, Any]:
        status, text = self._get(f"{path}?{urllib.parse.urlencode(words)}")
        answer = json.loads(text)
        assert status == 200, f"{words}: {answer}"
        return dict(answer["data"])

    def _get(self, path: str) -> tuple[int, str]:
        with closing(http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)) as connection:
            with self._namespace.entered():
                connection.connect()
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return self._get("/-/ready")[0] == 200
        except ConnectionRefusedError:
            return False
