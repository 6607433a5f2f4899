"""A name server on a namespace's loopback: dnsmasq, whose records are a file."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from tests.lab.namespaces import Namespace
from tests.lab.waiting import eventually

ZONE = "mesh.test"
RESOLV_CONF = Path("/etc/resolv.conf")
COMMAND = (
    *("setpriv", "--pdeathsig", "KILL", "--"),
    *("dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--user=root", "--pid-file"),
    *("--no-hosts", "--no-resolv", "--listen-address=127.0.0.1", "--bind-interfaces"),
    "--log-queries",
)
LOCAL = ("--local=/test/",)  # of what it has no record of, it knows that there is none


class NameServer:
    """Answers for mesh.test; each record can have several addresses."""

    def __init__(self, namespace: Namespace, folder: Path, records: Mapping[str, str]) -> None:
        self.namespace = namespace
        folder.mkdir(parents=True, exist_ok=True)
        self._records = folder / f"{namespace.name}.hosts"
        self.log = folder / f"{namespace.name}.queries"
        self._process: subprocess.Popen[bytes] | None = None
        self.records(records)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, *more: str, ttl: int = 1) -> None:
        """Begin to answer. ``more`` instead of LOCAL says what else it knows."""
        files = (
            f"--addn-hosts={self._records}",
            f"--log-facility={self.log}",
            f"--local-ttl={ttl}",
        )
        command = self.namespace.command(*COMMAND, *files, *(more or LOCAL))
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        eventually(
            lambda: "127.0.0.1:53" in self.namespace.sh("ss -Hlnu"), "the name server listens"
        )

    def stop(self) -> None:
        """Be gone, as when it is killed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        """SIGSTOP: be there and say nothing. SIGHUP: read the records."""
        assert self._process is not None
        self._process.send_signal(number)

    def records(self, records: Mapping[str, str]) -> None:
        """Answer with these from now on: names without the zone, addresses apart by spaces."""
        self._records.write_text(
            "".join(
                f"{address} {name}.{ZONE}\n"
                for name, addresses in records.items()
                for address in addresses.split()
            )
        )
        if self._process is not None:
            read = self.log.read_text().count(f"read {self._records}")
            self.signal(signal.SIGHUP)
            eventually(
                lambda: self.log.read_text().count(f"read {self._records}") > read,
                lambda: f"the records are read: {self.log.read_text()}",
            )

    def queries(self, name: str, kind: str = "A") -> int:
        """How often it was asked for a name."""
        return self.log.read_text().count(f"query[{kind}] {name}.{ZONE} ")


@contextlib.contextmanager
def name_servers(text: str, path: Path = RESOLV_CONF) -> Iterator[Path]:
    """Another /etc/resolv.conf, for what runs in this process's mounts; the file is its own."""
    own = Path("/run") / f"{path.name}.test"
    own.write_text(text)
    subprocess.run(["mount", "--bind", own, path], check=True)
    try:
        yield own
    finally:
        subprocess.run(["umount", path], check=True)
