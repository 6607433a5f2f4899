"""The demo as somebody runs it: what it shows, what it leaves, and how it ends early."""

import contextlib
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest

from tests.lab import eventually

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.daemon,
    pytest.mark.usefixtures("laboratory"),
]

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "scripts" / "demo.py"
RUN = Path("/run")
CGROUPS = str(RUN / "cgroup2")  # mounted by tests of machines, of which others come and go
NOBODY = 65534
CHECKS = (
    "the mesh converges",
    "all containers reach each other",
    "a broadcast arrives exactly once",
    "a tunnel deleted by hand is back",
    "ebtables -F is put right",
    "a peer removed from the file is gone",
    "a peer put back into the file is back",
    "kill -9 loses no packet",
    "nor does the start after it",
    "metrics of one tunnel",
    "down leaves nothing",
)
KEPT = CHECKS[:-1]
INTERRUPTED = 130


@dataclass
class Demo:
    """A way to run the demo, and to find what it left."""

    environment: dict[str, str]
    marked: str  # what the environment of each of its processes has in it
    temporary: Path

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Run it, as the leader of a process group like a shell's."""
        return subprocess.Popen(
            [sys.executable, str(DEMO), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=self.environment,
            start_new_session=True,
        )

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run it to its end."""
        with self.start(*words) as process:
            out, err = process.communicate(timeout=110)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def processes(self) -> set[int]:
        """Those that it started and that still run."""
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self.marked in (folder / "environ").read_text(errors="replace"):
                    found.add(int(folder.name))
            except OSError:
                continue
        return found

    def leavings(self) -> set[str]:
        """What there is that it could leave: processes, namespaces, files."""
        # What goes meanwhile, as cgroups of other tests do, os.walk passes over.
        walked = (entry for folder in (RUN, self.temporary) for entry in os.walk(folder))
        files = {str(Path(here, name)) for here, *names in walked for name in chain(*names)}
        files = {file for file in files if not file.startswith(CGROUPS)}
        files.discard(str(RUN / "netns"))  # iproute2 makes it with the first name, and keeps it
        return files | {f"process {number}" for number in self.processes()}


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    """The demo in an environment that its processes can be told by."""
    marked = f"VXLAND_TEST={uuid.uuid4()}"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    name, _, value = marked.partition("=")
    return Demo(
        {**os.environ, name: value, "TMPDIR": str(temporary), "PYTHONIOENCODING": "utf-8"},
        marked,
        temporary,
    )


@contextlib.contextmanager
def nothing_left(demo: Demo) -> Iterator[None]:
    """All is as before once this is over."""
    before = demo.leavings()
    yield
    assert demo.leavings() - before == set()


def held(out: str) -> list[str]:
    """The checks that held, in order."""
    return re.findall(r"^✓ ([^:]+): ", out, re.MULTILINE)


def test_every_check_holds(demo: Demo) -> None:
    """A line for each check, status 0, and nothing left; no colours where no terminal is."""
    with nothing_left(demo):
        done = demo.run()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert held(done.stdout) == list(CHECKS)
    assert f"all {len(CHECKS)} checks held" in done.stdout
    assert 'vxland_tunnel_admin_up{overlay="lan",peer="lxd2"} 1.0' in done.stdout
    assert re.search(r"up again \d+ ms after", done.stdout)
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) < 30


def test_check_that_fails(demo: Demo, tmp_path: Path) -> None:
    """With a vxland that does nothing: the line says so, status 1, nothing left."""
    broken = tmp_path / "broken" / "vxland"
    shutil.copytree(ROOT / "src" / "vxland", broken)
    (broken / "commands" / "run.py").write_text("def run(options):\n    return 1\n")
    demo.environment["PYTHONPATH"] = str(broken.parent)
    with nothing_left(demo):
        done = demo.run()
    assert done.returncode == 1
    assert held(done.stdout) == []
    assert f"✗ {CHECKS[0]}: " in done.stdout
    assert "the daemon ended" in done.stdout
    assert f"0 of {len(CHECKS)} checks held" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_check_that_vxland_would_pass(demo: Demo, tmp_path: Path) -> None:
    """With a vxland that forgets a peer and finds itself in sync: the demo counts for itself."""
    broken = tmp_path / "broken" / "vxland"
    shutil.copytree(ROOT / "src" / "vxland", broken)
    (broken / "vni.py").write_text(
        (broken / "vni.py").read_text() + "\n\ndef numbered(overlay, node, remotes):\n"
        "    return SCHEMES[overlay.vni](overlay, node, remotes[:1])\n"
    )
    demo.environment["PYTHONPATH"] = str(broken.parent)
    with nothing_left(demo):
        done = demo.run()
    assert done.returncode == 1
    assert held(done.stdout) == []
    assert "has 1 tunnels" in done.stdout


@pytest.mark.parametrize(
    ("number", "after"),
    [(signal.SIGINT, 0), (signal.SIGINT, 2), (signal.SIGTERM, 1), (signal.SIGHUP, 1)],
)
def test_interrupted(demo: Demo, number: signal.Signals, after: int) -> None:
    """Ctrl-C (which goes to the whole group), or a signal: it says so, and nothing is left."""
    with nothing_left(demo):
        with demo.start() as process:
            assert process.stdout is not None
            assert process.stderr is not None
            shown = [process.stdout.readline() for _ in range(1 + after)]
            deed = os.killpg if number == signal.SIGINT else os.kill
            deed(process.pid, number)
            out, err = process.communicate(timeout=60)
        assert process.returncode == INTERRUPTED
    assert held("".join(shown)) == list(CHECKS[:after])
    assert out.splitlines()[-1] == "interrupted; all is cleaned up"
    assert err == ""


def test_on_a_terminal(demo: Demo) -> None:
    """Colours, what is being tried and then its result instead, and Ctrl-C again and again."""
    ours, theirs = pty.openpty()
    demo.environment.pop("NO_COLOR", None)
    demo.environment["TERM"] = "xterm"
    shown = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        process = subprocess.Popen(
            [sys.executable, str(DEMO)], stdout=theirs, env=demo.environment, start_new_session=True
        )
        os.close(theirs)
        with process, contextlib.suppress(OSError):  # EIO: everybody has closed the other end
            while data := terminal.read(4096):
                shown += data
                if (
                    "✓".encode() in shown
                ):  # more than once: impatience doesn't keep it from cleaning up
                    process.send_signal(signal.SIGINT)
    assert process.returncode == INTERRUPTED
    first = f"  {CHECKS[0]} …\x1b[0m\r\x1b[K\x1b[32m✓\x1b[0m {CHECKS[0]}: "
    assert first in shown.decode()


def test_killed(demo: Demo) -> None:
    """Nothing is left even after SIGKILL, once the kernel has ended the rest."""
    before = demo.leavings()
    with demo.start() as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert held(process.stdout.readline()) == [CHECKS[0]]
        assert len(demo.processes()) > 3
        process.kill()
    eventually(lambda: demo.leavings() <= before, lambda: f"gone: {demo.leavings() - before}")


def test_nobody_reads(demo: Demo) -> None:
    """Its output is cut off: no traceback, and nothing left."""
    with nothing_left(demo), demo.start() as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 1
    assert err == ""


def test_missing_tool(demo: Demo) -> None:
    """A tool that isn't there is named before anything is made, and its package."""
    demo.environment["PATH"] = str(demo.temporary)
    with nothing_left(demo):
        done = demo.run()
    assert done.returncode == 1
    assert done.stdout == ""
    assert "ebtables" in done.stderr
    assert "apt install iproute2" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_root(demo: Demo) -> None:
    """It says that it needs root, both ways to start it."""
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
    for command in ([sys.executable, str(DEMO)], [str(DEMO.with_suffix(""))]):
        done = subprocess.run(
            [*drop, *command], capture_output=True, text=True, env=demo.environment, check=False
        )
        assert done.returncode == 1
        assert "needs root" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_keep_and_clean(demo: Demo) -> None:
    """What is kept can be looked at as it says, isn't disturbed by another, and goes at last."""
    before = demo.leavings()
    kept = demo.run("--keep")
    try:
        assert (kept.returncode, kept.stderr) == (0, ""), kept.stdout
        assert held(kept.stdout) == list(KEPT)
        assert len(demo.processes()) == 3
        looks = re.findall(r"^  (ip netns exec .*)$", kept.stdout, re.MULTILINE)
        assert len(looks) == 4
        for look in looks:
            done = subprocess.run(look.split(), capture_output=True, text=True, check=False)
            assert done.returncode in (0, 2), done.stderr  # 2: not in sync, just now
        with demo.start() as beside:
            assert beside.stdout is not None
            beside.stdout.readline()
            assert held(beside.stdout.readline()) == [CHECKS[0]]
            beside.terminate()
        again = demo.run("--keep")
        assert again.returncode == 1
        assert "--clean" in again.stderr
        assert len(demo.processes()) == 3
    finally:
        cleaned = demo.run("--clean")
    assert (cleaned.returncode, cleaned.stderr) == (0, "")
    assert demo.leavings() - before == set()
    assert "nothing" in demo.run("--clean").stdout


def test_keep_where_the_names_are_taken(demo: Demo) -> None:
    """A namespace of somebody else's with such a name stays, and is the reason that is given."""
    name = "vxland-demo-lxd1"
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        with nothing_left(demo):
            done = demo.run("--keep")
        assert done.returncode == 1
        assert name in done.stderr
        assert "nothing" in demo.run("--clean").stdout
        assert (RUN / "netns" / name).exists()
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def test_keep_interrupted(demo: Demo) -> None:
    """Ctrl-C before it is left running: all is cleaned up."""
    with nothing_left(demo), demo.start("--keep") as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert held(process.stdout.readline()) == [CHECKS[0]]
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert out.splitlines()[-1] == "interrupted; all is cleaned up"
    assert err == ""
