"""Docker on a server, and its containers."""

from tests.guests.guest import Guest
from tests.guests.host import Host
from tests.lab import eventually

# Everybody's image of that name, by hand: busybox under the names that it's called by.
IMAGE = """
mkdir -p /tmp/image/bin
cp /bin/busybox /tmp/image/bin
for name in sh ping httpd; do ln -s busybox "/tmp/image/bin/$name"; done
tar -C /tmp/image -c . | docker import - busybox
"""


def start(host: Host) -> None:
    """Start the daemon, which brings its containerd along."""
    host.start("dockerd")
    eventually(
        lambda: host.typed("docker version >/dev/null && echo yes", check=False) == "yes\n",
        lambda: f"{host.server.name}: Docker answers; it logged:\n{host.tail()}",
        pause=0.1,
    )


def start_with_image(host: Host) -> None:
    """Have the image that the document's containers are of, too."""
    start(host)
    host.typed(IMAGE)


def guest(host: Host, name: str) -> Guest:
    """A container that runs."""
    return host.guest(name, host.typed(f"docker inspect --format '{{{{.State.Pid}}}}' {name}"))
