"""A server in a user namespace of its own, which has limits of its own (namespaces(7))."""

import subprocess
import sys

from tests.lab import Server
from tests.lab.server import BOUND

HOLD = ("unshare", "--user", "--map-root-user", "--net", "sh", "-c", "echo; exec sleep infinity")
UNLIMITED = 2**31 - 1
SOON = """
import sys
from vxland.config import watch
from vxland.cli import main
watch.RETRY = 0.5
sys.exit(main())
"""


class Confined(Server):
    """There its daemon is root, and nowhere else. It soon tries again what it couldn't watch."""

    def _make(self) -> None:
        self._keeper = subprocess.Popen([*BOUND, *HOLD], stdout=subprocess.PIPE)
        assert self._keeper.stdout
        self._keeper.stdout.readline()  # it is inside
        attached = ["ip", "netns", "attach", self.name, str(self._keeper.pid)]
        subprocess.run(attached, check=True)

    def command(self, *words: str) -> list[str]:
        """A command line that runs these words inside."""
        return ["nsenter", f"--user=/proc/{self._keeper.pid}/ns/user", *super().command(*words)[1:]]

    def launch(self) -> None:
        """Start the daemon, and wait until all is as wanted."""
        run = (sys.executable, "-c", SOON, "run", "--config", str(self.config))
        with self.log.open("ab") as log:
            self.daemon = subprocess.Popen(
                [*BOUND, *self.command(*run)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.settled()

    def limit(self, what: str, value: int = UNLIMITED) -> None:
        """From now on there are no more of these (those that there are stay)."""
        self.sh(f"echo {value} > /proc/sys/user/{what}")

    def delete(self) -> None:
        """End what runs here, and the namespaces."""
        super().delete()
        with self._keeper:
            self._keeper.kill()
