"""A control group for each machine, so that all which runs in it can be ended by one write."""

import atexit
import functools
import os
import subprocess
import tempfile
from pathlib import Path

from tests.lab.namespaces import RUN
from tests.lab.waiting import eventually

# Process 1 of a machine outlives a killed nspawn, and a killed run can't end it. So this waits
# for the end of the run, however that comes about, and ends the machines which are left then.
WARDEN = """
cat
for group in "$0"*; do
  [ -e "$group" ] || continue
  echo 1 >"$group/cgroup.kill"
  until grep -q 'populated 0' "$group/cgroup.events"; do sleep 0.1; done
  find "$group" -depth -type d -exec rmdir {} +
done
"""


def mine() -> str:
    """What the names of all groups of this run begin with."""
    return f"vxland-test-{os.getpid()}-"


@functools.cache
def hierarchy() -> Path:
    """The second version's hierarchy, mounted where only this run sees it, and under guard."""
    path = RUN / "cgroup2"
    path.mkdir()
    subprocess.run(["mount", "-t", "cgroup2", "cgroup2", str(path)], check=True)
    warden = subprocess.Popen(
        ["sh", "-c", WARDEN, str(path / mine())], stdin=subprocess.PIPE, start_new_session=True
    )
    atexit.register(warden.communicate)
    return path


class Cgroup:
    """A group of this run's own."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=mine(), dir=hierarchy()))

    def remove(self) -> None:
        """End whatever runs in it, and take it away."""
        (self.path / "cgroup.kill").write_text("1")
        events = self.path / "cgroup.events"
        eventually(lambda: "populated 0" in events.read_text(), f"{self.path} is empty")
        for folder, _, _ in os.walk(self.path, topdown=False):
            Path(folder).rmdir()


def of(process: int) -> Path:
    """The group that a process is in."""
    lines = Path(f"/proc/{process}/cgroup").read_text().splitlines()
    (inside,) = (line.removeprefix("0::/") for line in lines if line.startswith("0::"))
    return hierarchy() / inside


def joining(group: Path, *words: str) -> list[str]:
    """A command line that runs these words in a group."""
    return ["sh", "-ec", 'echo $$ >"$0/cgroup.procs"; exec "$@"', str(group), *words]
