"""``vxland bugreport`` on a server: what is in the archive, what isn't, and what is never left."""

import json
import os
import pty
import re
import shutil
import signal
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest

from tests.lab import Server, Site, eventually
from tests.lab.server import VXLAND
from tests.lab.site import HEAD, config
from vxland.bugreport.archive import LEFT_OUT

pytestmark = [pytest.mark.kernel, pytest.mark.daemon]

AS_ANYBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
HEEDFUL = ("env", "--default-signal=INT")  # a shell's background job would not hear of Ctrl-C
CONFIG = config([1, 2, 3])
PASSWORD = "Rumpelstilzchen"  # noqa: S105 - nobody's
KEY = "MHcCAQEEIKtlsprivatekeyRumpelstilz"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One of three, whose daemon runs."""
    with Site(tmp_path_factory.mktemp("bugreport"), 1) as site:
        site.start(CONFIG)
        yield site.servers[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the archive comes into."""
    place = tmp_path / "here"
    place.mkdir()
    return place


def bugreport(
    server: Server, folder: Path, *words: str, before: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """The command, said in a folder."""
    command = (*before, str(VXLAND), "bugreport", *words, "--config", str(server.config))
    return server.run(["env", "-C", str(folder), *command], check=False)


def unpacked(data: bytes) -> dict[str, str]:
    """What is in an archive, below its one folder."""
    with tarfile.open(fileobj=BytesIO(data), mode="r:gz") as tar:
        files = {
            entry.name: file.read().decode()
            for entry in tar.getmembers()
            if (file := tar.extractfile(entry)) is not None
        }
    (top,) = {name.partition("/")[0] for name in files}
    return {name.removeprefix(f"{top}/"): text for name, text in files.items()}


def instead(place: Path, program: str, script: str) -> tuple[str, ...]:
    """Words before a command for which this program does something else."""
    file = place / "programs" / program
    file.parent.mkdir()
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return ("env", f"PATH={file.parent}:{os.environ['PATH']}")


def drop_ins(server: Server) -> Path:
    """The folder of more files."""
    return Path(f"{server.config}.d")


@contextmanager
def written(server: Server, text: str) -> Iterator[None]:
    """Another configuration, with drop-ins, for a while."""
    drop_ins(server).mkdir()
    server.write(text)
    try:
        yield
    finally:
        shutil.rmtree(drop_ins(server))
        server.configure(CONFIG)


def the_one(folder: Path) -> Path:
    """The only file there."""
    (file,) = folder.iterdir()
    return file


def test_all_that_an_issue_needs_is_there(server: Server, folder: Path, tmp_path: Path) -> None:
    """And told: the path, the size, what can't be had, what was left out, what to do."""
    done = bugreport(server, folder, before=instead(tmp_path, "nft", "echo not today >&2; exit 9"))
    assert done.returncode == 0, done.stderr
    archive = the_one(folder)
    assert re.fullmatch(r"vxland-lxd1-\d{8}T\d{6}Z\.tar\.gz", archive.name)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert f"wrote {archive.name} (" in done.stderr
    assert "look it over before you attach it" in done.stderr
    assert all(f"  {what}\n" in done.stderr for what in LEFT_OUT)
    files = unpacked(archive.read_bytes())
    assert "valid; overlays: 1, peers: 3" in files["vxland/check.txt"]
    assert json.loads(files["vxland/status.json"])["daemon"] == "running"
    assert json.loads(files["vxland/events.json"])["events"]
    assert "nothing to do" in files["vxland/plan.txt"]
    assert 'name = "lxd2"' in files["config/vxland.toml"]
    for name, text in {
        "kernel/link.txt": "alias vxland:lan:lxd2",
        "kernel/address.txt": "192.0.2.1/24",
        "kernel/route.txt": "192.0.2.0/24 dev eth0",
        "kernel/bridge-link.txt": "isolated on",
        "kernel/bridge-fdb.txt": "00:00:00:00:00:00 dev vxl-lan-lxd2 dst 192.0.2.2",
        "kernel/ebtables.txt": "VXLAND",
        "kernel/ethtool-eth0.txt": "tx-checksumming",
        "kernel/snmp.txt": "Udp: ",
        "system/python.txt": "pyroute2 ",
    }.items():
        assert text in files[name], name
    listed = re.findall(r"^([\w./-]+): ", files["README.txt"], re.MULTILINE)
    assert sorted(listed) == sorted(files.keys() - {"README.txt"})
    assert "NOT WHOLE: exit status 9: not today" in files["README.txt"]
    assert "system/nftables.txt: exit status 9: not today" in done.stderr
    assert "not today" in files["system/nftables.txt"]


def test_no_secret_leaves(server: Server, folder: Path, tmp_path: Path) -> None:
    """Neither the TLS key, nor what somebody wrote where it doesn't belong."""
    key = tmp_path / "server.key"
    key.write_text(f"-----BEGIN PRIVATE KEY-----\n{KEY}\n-----END PRIVATE KEY-----\n")
    head = HEAD.replace("[http]", f'[http]\ntls_cert = "{key}"\ntls_key = "{key}"')
    noted = f"# the password is {PASSWORD}\n{head}# https://me:{PASSWORD}@example.org\n"
    with written(server, config([1, 2, 3], noted)):
        (drop_ins(server) / "pasted.toml").write_text(key.read_text())
        wrong = f'[reconcile]\npassword = "{PASSWORD}" # {PASSWORD}\n'
        (drop_ins(server) / "wrong.toml").write_text(wrong)
        done = bugreport(server, folder)
    assert done.returncode == 0, done.stderr
    files = unpacked(the_one(folder).read_bytes())
    assert "password" in files["vxland/check.txt"]  # that it is no key of vxland's is told
    assert str(key) in files["config/vxland.toml"]
    assert files["config/vxland.toml.d/pasted.toml"] == "(removed)\n"
    for name, text in (*files.items(), ("stderr", done.stderr)):
        assert PASSWORD not in text, name
        assert KEY not in text, name


def test_a_broken_configuration_is_reported(server: Server, folder: Path) -> None:
    """With its errors, and what of it could be read."""
    with written(server, "[[overlay]\n"):
        (drop_ins(server) / "folder.toml").mkdir()
        done = bugreport(server, folder, "--output", "mine.tgz")
    assert done.returncode == 0, done.stderr
    assert the_one(folder).name == "mine.tgz"
    files = unpacked(the_one(folder).read_bytes())
    assert "isn't TOML" in files["vxland/check.txt"]
    assert files["config/vxland.toml"] == "[[overlay]\n"
    assert "Is a directory" in files["README.txt"]
    assert "alias vxland:lan:lxd2" in files["kernel/link.txt"]


def test_anybody_can_make_one(server: Server, folder: Path) -> None:
    """It says what couldn't be read."""
    folder.chmod(0o777)
    done = bugreport(server, folder, before=AS_ANYBODY)
    assert done.returncode == 0, done.stderr
    files = unpacked(the_one(folder).read_bytes())
    assert "kernel/ebtables.txt: exit status" in done.stderr
    assert "NOT WHOLE" in files["README.txt"]
    assert "alias vxland:lan:lxd2" in files["kernel/link.txt"]


def test_without_a_daemon_there_is_what_can_be_seen(folder: Path, tmp_path: Path) -> None:
    with Site(tmp_path, 1, "quiet") as site:
        (server,) = site.servers
        server.write(CONFIG)
        done = bugreport(server, folder)
        server.write("x = 1\n")
        broken = bugreport(server, folder, "--output", "broken.tgz")
    assert done.returncode == 0, done.stderr
    assert re.search(r"vxland/status.json: exit status 1: .*x: is not a known key", broken.stderr)
    (folder / "broken.tgz").unlink()
    files = unpacked(the_one(folder).read_bytes())
    status = json.loads(files["vxland/status.json"])
    assert (status["daemon"], status["node"]) == ("not running", "lxd1")
    assert "vxl-lan-lxd2" in files["vxland/plan-commands.txt"]
    assert "isn't running" in files["vxland/events.json"]


def test_it_goes_into_a_pipe(server: Server, folder: Path) -> None:
    """Nothing else does."""
    command = [str(VXLAND), "bugreport", "-o", "-", "--config", str(server.config)]
    done = subprocess.run(server.command(*command), cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "kernel/link.txt" in unpacked(done.stdout)
    assert b"wrote standard output" in done.stderr
    assert list(folder.iterdir()) == []


def test_a_terminal_gets_none(server: Server, folder: Path) -> None:
    master, terminal = pty.openpty()
    command = [str(VXLAND), "bugreport", "-o", "-", "--config", str(server.config)]
    try:
        done = subprocess.run(
            server.command(*command),
            cwd=folder,
            stdout=terminal,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(master)
        os.close(terminal)
    assert done.returncode == 1
    assert b"an archive isn't for a terminal" in done.stderr


def test_a_file_that_is_there_stays(server: Server, folder: Path) -> None:
    mine = folder / "mine.tgz"
    mine.write_text("precious")
    done = bugreport(server, folder, "--output", "mine.tgz")
    assert (done.returncode, done.stderr) == (1, "vxland: mine.tgz: File exists\n")
    assert mine.read_text() == "precious"


def test_a_folder_that_takes_none_says_so(server: Server, folder: Path) -> None:
    """At once: nobody waits for what can't be written."""
    done = bugreport(server, folder, "--output", "none/mine.tgz")
    assert (done.returncode, done.stderr) == (
        1,
        "vxland: none/mine.tgz: No such file or directory\n",
    )
    folder.chmod(0o555)
    done = bugreport(server, folder, before=AS_ANYBODY)
    assert done.returncode == 1
    assert "Permission denied" in done.stderr
    assert list(folder.iterdir()) == []


def test_a_full_disk_leaves_nothing(server: Server, folder: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "full", str(folder)], check=True)
    try:
        done = bugreport(server, folder, "--output", "mine.tgz")
        left = list(folder.iterdir())
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert (done.returncode, done.stderr, left) == (
        1,
        "vxland: mine.tgz: No space left on device\n",
        [],
    )


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_who_gives_up_leaves_nothing(
    server: Server, folder: Path, tmp_path: Path, number: signal.Signals, status: int
) -> None:
    """Neither a file nor a program that was asked."""
    begun = tmp_path / "begun"
    slow = instead(tmp_path, "ip", f"echo $$ >{begun}.new; mv {begun}.new {begun}; exec sleep 600")
    command = [*HEEDFUL, *slow, str(VXLAND), "bugreport", "--config", str(server.config)]
    asked = subprocess.Popen(server.command(*command), cwd=folder, stderr=subprocess.PIPE)
    with asked:
        eventually(begun.exists, "a program hangs")
        asked.send_signal(number)
        assert asked.wait(timeout=60) == status
        assert asked.stderr is not None
        assert b"Traceback" not in asked.stderr.read()
    assert list(folder.iterdir()) == []
    assert not Path(f"/proc/{begun.read_text().strip()}").exists()
