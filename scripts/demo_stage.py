"""Where the demo plays: namespaces, daemons and files, all of them taken away again.

Without --keep it has a /run that nobody else sees, and daemons that end with the demo, so that
nothing is left even after SIGKILL. With it a record says what was made, for --clean.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.lab import Server, Site, own_mounts  # noqa: E402 - the laboratory isn't installed
from tests.lab.namespaces import NETNS, RUN  # noqa: E402
from tests.lab.server import BOUND, UNBOUND  # noqa: E402

SERVERS = 3
PREFIX = "vxland-demo-"
FOLDER = RUN / "vxland-demo"
RECORD = FOLDER / "made.json"
RUNTIME = RUN / "vxland"
NAMES = (
    f"{PREFIX}lxd-underlay",
    *(f"{PREFIX}lxd{n}{of}" for n in range(1, SERVERS + 1) for of in ("", "-guest")),
)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 5.0  # seconds for a daemon to stop


class Refused(Exception):
    """The demo can't be played here now."""


class Interrupted(KeyboardInterrupt):
    """Somebody wants the demo to end."""


class Interrupts:
    """Ctrl-C and the like: raised at once, except for a moment where that would lose track."""

    def __init__(self) -> None:
        self._held = False
        self._came = False
        for number in SIGNALS:
            signal.signal(number, self._hear)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Raise only at the end of this."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        self.check()

    def check(self) -> None:
        """Raise Interrupted if anybody wanted the demo to end."""
        if self._came:
            raise Interrupted

    @property
    def came(self) -> bool:
        """Whether anybody wanted the demo to end."""
        return self._came

    def ignore(self) -> None:
        """The end has begun: nothing keeps it from being reached."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True
        if not self._held:
            raise Interrupted


class Stage:
    """Three servers on one underlay."""

    def __init__(self, interrupts: Interrupts, *, keep: bool) -> None:
        self.keep = keep
        self.stays = False  # once it is left running
        self.interrupts = interrupts
        self._site: Site | None = None
        if keep:
            refuse_if_taken()
        else:
            own_mounts()
        self._made_runtime = not RUNTIME.exists()

    def __enter__(self) -> Self:
        with self.interrupts.held():
            try:
                FOLDER.mkdir(mode=0o755)
            except FileExistsError:
                raise Refused(LEFT_RUNNING) from None
            self.record()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.interrupts.ignore()
        if not self.stays:
            clean()

    def build(self) -> Site:
        """Make the servers and the underlay. Raises CalledProcessError."""
        self._site = Site(FOLDER, SERVERS, prefix=f"{PREFIX}lxd")
        self.record()
        return self._site

    def start(self, server: Server) -> None:
        """Start a daemon, and remember it."""
        with self.interrupts.held():
            server.start(wait=False, before=UNBOUND if self.keep else BOUND)
            self.record()

    def record(self) -> None:
        """Write down what there is, for whoever takes it away."""
        servers = self._site.servers if self._site else []
        daemons = [server.daemon for server in servers if server.daemon]
        new = RECORD.with_suffix(".new")
        new.write_text(
            json.dumps(
                {
                    "processes": {str(daemon.pid): _started(daemon.pid) for daemon in daemons},
                    "runtime": [str(server.runtime) for server in servers],
                    "made_runtime": self._made_runtime,
                }
            )
        )
        new.replace(RECORD)


LEFT_RUNNING = f"a demo was left running here ({FOLDER}). End it: scripts/demo --clean"


def refuse_if_taken() -> None:
    """Look for what has the demo's names. Raises Refused."""
    if FOLDER.exists():
        raise Refused(LEFT_RUNNING)
    taken = sorted(path.name for path in NETNS.glob(f"{PREFIX}*"))
    if taken:
        raise Refused(
            f"network namespaces of these names exist, and aren't this demo's: {', '.join(taken)}."
            f" Remove them (ip netns del {taken[0]}), or run the demo without --keep"
        )


def clean() -> bool:
    """End what the record says that a demo started, and remove what it made; False if nothing."""
    try:
        record: dict[str, Any] = json.loads(RECORD.read_text())
    except FileNotFoundError:
        return False
    for number, started in record["processes"].items():
        _end(int(number), started)
    for name in NAMES:  # nobody else's: the demo doesn't begin where one exists
        if (NETNS / name).exists():
            subprocess.run(["ip", "netns", "del", name], check=False, start_new_session=True)
    for folder in record["runtime"]:
        shutil.rmtree(folder, ignore_errors=True)
    if record["made_runtime"]:
        with contextlib.suppress(OSError):  # somebody else's vxland runs by now
            RUNTIME.rmdir()
    shutil.rmtree(FOLDER)
    return True


def _started(number: int) -> str:
    """When a process began: with its number this names it for good (proc(5), stat, field 22)."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _end(number: int, started: str) -> None:
    """Stop a process, if it is still the one that began then."""
    try:
        process = os.pidfd_open(number)
    except ProcessLookupError:
        return
    try:
        if _started(number) == started:
            for deed in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(process, deed)
                if select.select([process], [], [], PATIENCE)[0]:
                    break
    finally:
        os.close(process)
