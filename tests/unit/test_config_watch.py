"""Every way of saving the configuration is noticed; what others do beside it is not."""

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from watchdog.events import FileModifiedEvent, FileSystemEvent
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from vxland.config.reach import Reach, reach
from vxland.config.watch import ConfigWatch

PATIENCE = 5.0  # seconds
NOBODY = 65534  # a user who may little
OLD, NEW = "# old\n", "# new\n"

Way = Callable[[Path], None]


class Bell:
    """Counts the rings."""

    def __init__(self) -> None:
        self._rung = threading.Semaphore(0)

    def ring(self) -> None:
        self._rung.release()

    def heard(self, patience: float = PATIENCE) -> bool:
        return self._rung.acquire(timeout=patience)


class Watching(ConfigWatch):
    """Remembers what it took for a change."""

    def __init__(self, path: Path, bell: Bell) -> None:
        super().__init__(path, bell.ring)
        self.noted: list[Path] = []

    def _take(self, event: FileSystemEvent) -> None:
        for path in map(Path, (os.fsdecode(event.src_path), os.fsdecode(event.dest_path))):
            if self._reach.includes(path) and not isinstance(event, FileModifiedEvent):
                self.noted.append(path)
        super()._take(event)


@pytest.fixture
def bell() -> Bell:
    return Bell()


@pytest.fixture
def watch(bell: Bell) -> Iterator[Callable[[Path], Watching]]:
    started: list[Watching] = []

    def start(path: Path) -> Watching:
        started.append(Watching(path, bell))
        started[-1].start()
        assert started[-1].problem is None
        return started[-1]

    yield start
    for watching in started:
        watching.stop()


def contents(path: Path) -> list[str]:
    """What a reader finds: PATH and PATH.d/*.toml; nothing for what isn't there."""
    found = [path, *sorted(path.with_name(f"{path.name}.d").glob("*.toml"))]
    return [file.read_text() for file in found if file.exists()]


def awaited(bell: Bell, path: Path, expected: list[str]) -> bool:
    """Whether a ring came after which the reader finds this."""
    while bell.heard():
        if expected == contents(path):
            return True
    return False


# Ways of saving NEW to a file. All but the last few expect it to be there.


def in_place(path: Path) -> None:
    path.write_text(NEW)


def in_small_pieces(path: Path) -> None:
    with path.open("w") as stream:
        for letter in NEW:
            stream.write(letter)
            stream.flush()


def mapped_back(path: Path) -> None:
    """Written by another name's descriptor that is closed late."""
    descriptor = os.open(path, os.O_RDWR)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, NEW.encode())
    os.close(descriptor)


def renamed_over(path: Path) -> None:
    new = path.with_suffix(".new")
    new.write_text(NEW)
    new.rename(path)


def renamed_from_elsewhere(path: Path) -> None:
    folder = path.parent.parent / "elsewhere"
    folder.mkdir()
    (folder / "new").write_text(NEW)
    (folder / "new").rename(path)


def linked(path: Path) -> None:
    new = path.with_suffix(".new")
    new.write_text(NEW)
    path.unlink()
    path.hardlink_to(new)


def backup_dance(path: Path) -> None:
    """What vim does with 'backupcopy' off: a probe, the old file away, a new one in its place."""
    probe = path.with_name("4913")
    probe.touch()
    probe.unlink()
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    path.write_text(NEW)
    backup.unlink()


def vim(path: Path) -> None:
    program = shutil.which("vim")
    if program is None:
        pytest.skip("vim isn't installed; its dance is also tested by hand")
    commands = ["set nobackup writebackup backupcopy=no", "%s/old/new/", "wq"]
    options = [option for command in commands for option in ("-c", command)]
    subprocess.run([program, "-u", "NONE", "-es", *options, path], check=True, timeout=60)


def sed(path: Path) -> None:
    subprocess.run(["sed", "-i", "s/old/new/", path], check=True)


def install(path: Path) -> None:
    new = path.with_suffix(".new")
    new.write_text(NEW)
    subprocess.run(["install", "-m", "644", new, path], check=True)


def deleted_and_made(path: Path) -> None:
    path.unlink()
    path.write_text(NEW)


def emptied_first(path: Path) -> None:
    path.write_text("")
    path.write_text(NEW)


def turned_into_a_link(path: Path) -> None:
    target = path.parent.parent / "target"
    target.write_text(NEW)
    path.unlink()
    path.symlink_to(target)


def folder_replaced(path: Path) -> None:
    path.parent.rename(path.parent.with_name("away"))
    path.parent.mkdir()
    path.write_text(NEW)


def folder_replaced_whole(path: Path) -> None:
    new = path.parent.with_name("new")
    new.mkdir()
    (new / path.name).write_text(NEW)
    path.parent.rename(path.parent.with_name("away"))
    new.rename(path.parent)


def folder_removed_and_made(path: Path) -> None:
    shutil.rmtree(path.parent)
    path.parent.mkdir()
    path.write_text(NEW)


def folders_removed_and_made(path: Path) -> None:
    shutil.rmtree(path.parent.parent)
    path.parent.mkdir(parents=True)
    path.write_text(NEW)


WAYS: list[Way] = [
    in_place,
    in_small_pieces,
    mapped_back,
    renamed_over,
    renamed_from_elsewhere,
    linked,
    backup_dance,
    vim,
    sed,
    install,
    deleted_and_made,
    emptied_first,
    turned_into_a_link,
    folder_replaced,
    folder_replaced_whole,
    folder_removed_and_made,
    folders_removed_and_made,
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A configuration two folders down."""
    path = tmp_path / "root" / "etc" / "vxland.toml"
    path.parent.mkdir(parents=True)
    path.write_text(OLD)
    return path


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_saved(path: Path, way: Way, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """Whoever reads after the ring reads what was saved."""
    watch(path)
    way(path)
    assert awaited(bell, path, [NEW])


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_saved_again(path: Path, way: Way, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """After any way of saving, the next one is noticed as well."""
    watch(path)
    way(path)
    assert awaited(bell, path, [NEW])
    path.write_text("# newer\n")
    assert awaited(bell, path, ["# newer\n"])


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_saved_drop_in(path: Path, way: Way, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """The same ways for a file in PATH.d."""
    drop_in = path.with_name("vxland.toml.d") / "lan.toml"
    drop_in.parent.mkdir()
    drop_in.write_text(OLD)
    watch(path)
    way(drop_in)
    kept = [OLD] if path.exists() else []
    assert awaited(bell, path, [*kept, NEW])


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_saved_target(path: Path, way: Way, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """The same ways for the file that a chain of links leads to, by a relative one with ``..``."""
    target = path.parents[2] / "base" / "real" / "node.toml"
    target.parent.mkdir(parents=True)
    target.write_text(OLD)
    (path.parents[2] / "between").symlink_to("base/real/../real")
    path.unlink()
    path.symlink_to("../../between/node.toml")
    watch(path)
    way(target)
    assert awaited(bell, path, [NEW])


def test_target_swapped(path: Path, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """``ln -sfn`` to another file; then that one is watched."""
    one, other = path.with_name("one"), path.parents[1] / "other"
    one.write_text(OLD)
    other.write_text(NEW)
    path.unlink()
    path.symlink_to(one)
    watch(path)
    subprocess.run(["ln", "-sfn", other, path], check=True)
    assert awaited(bell, path, [NEW])
    other.write_text("# newer\n")
    assert awaited(bell, path, ["# newer\n"])


def test_target_with_two_slashes(path: Path, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """A target may begin with two slashes, which mean the same as one."""
    target = path.parents[1] / "target"
    target.write_text(OLD)
    path.unlink()
    path.symlink_to(f"/{target}")
    watch(path)
    target.write_text(NEW)
    assert awaited(bell, path, [NEW])


def test_kubernetes(path: Path, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """A ConfigMap's update: ``..data``, a link to a folder, is replaced by renaming."""
    folder = path.parent

    def publish(name: str, text: str) -> None:
        (folder / name).mkdir()
        (folder / name / path.name).write_text(text)
        (folder / "..data_tmp").symlink_to(name)
        (folder / "..data_tmp").rename(folder / "..data")

    publish("..1", OLD)
    path.unlink()
    path.symlink_to(f"..data/{path.name}")
    watch(path)
    publish("..2", NEW)
    shutil.rmtree(folder / "..1")
    assert awaited(bell, path, [NEW])
    publish("..3", "# newer\n")
    assert awaited(bell, path, ["# newer\n"])


def test_drop_ins_come_and_go(path: Path, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """PATH.d may be made, filled, emptied and removed at any time."""
    watch(path)
    folder = path.with_name("vxland.toml.d")
    folder.mkdir()
    assert bell.heard()
    (folder / "lan.toml").write_text(NEW)
    assert awaited(bell, path, [OLD, NEW])
    (folder / "lan.toml").unlink()
    assert awaited(bell, path, [OLD])
    folder.rmdir()
    assert bell.heard()
    folder.mkdir()
    (folder / "wan.toml").write_text(NEW)
    assert awaited(bell, path, [OLD, NEW])


def test_drop_in_linked(path: Path, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """PATH.d and a drop-in in it may be links, whose target is edited."""
    target, folder = path.parents[1] / "target", path.parents[1] / "folder"
    target.write_text(OLD)
    folder.mkdir()
    path.with_name("vxland.toml.d").symlink_to(folder)
    watch(path)
    (folder / "lan.toml").symlink_to(target)
    assert awaited(bell, path, [OLD, OLD])
    target.write_text(NEW)
    assert awaited(bell, path, [OLD, NEW])


def test_missing_for_a_while(path: Path, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """A file that goes rings, and so does its return."""
    watch(path)
    path.unlink()
    assert awaited(bell, path, [])
    path.write_text(NEW)
    assert awaited(bell, path, [NEW])


def test_moved_away(path: Path, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """A file moved to another folder is gone."""
    watch(path)
    path.rename(path.parents[1] / "away")
    assert awaited(bell, path, [])


def test_folders_missing_at_start(
    tmp_path: Path, bell: Bell, watch: Callable[[Path], Watching]
) -> None:
    """Nothing has to be there at first, not even the folder's folder."""
    path = tmp_path / "a" / "b" / "vxland.toml"
    watch(path)
    path.parent.mkdir(parents=True)
    path.write_text(NEW)
    assert awaited(bell, path, [NEW])


def test_relative_path(
    path: Path, bell: Bell, watch: Callable[[Path], Watching], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path counts from the working directory at start."""
    monkeypatch.chdir(path.parent)
    watch(Path("../etc/vxland.toml"))
    path.write_text(NEW)
    assert awaited(bell, path, [NEW])


def test_circle(path: Path, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """Links that lead in a circle are watched until one is replaced."""
    path.unlink()
    path.symlink_to("other")
    path.with_name("other").symlink_to(path.name)
    watch(path)
    path.unlink()
    path.write_text(NEW)
    assert awaited(bell, path, [NEW])


def noise(path: Path) -> None:
    """What others do in the same folder, and what readers do."""
    folder = path.parent
    for name in (f".{path.name}.swp", f"{path.name}~", "4913", "vxland", "vxland.toml.d.bak"):
        (folder / name).write_text("x")
        (folder / name).rename(folder / "renamed")
        (folder / "renamed").rename(path.parents[1] / "moved")
        (path.parents[1] / "moved").unlink()
    (folder / "folder").mkdir()
    (folder / "folder" / path.name).write_text("x")
    shutil.rmtree(folder / "folder")
    drop_ins = path.with_name("vxland.toml.d")
    for name in ("lan.toml.swp", ".lan.toml", "README"):
        (drop_ins / name).write_text("x")
        (drop_ins / name).unlink()
    contents(path)
    reach(path)
    os.utime(path)


def test_noise(path: Path, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """Nothing but the configuration's own change rings. Reading it is none.

    Each folder has a queue of its own, which its own last change closes.
    """
    drop_in = path.with_name("vxland.toml.d") / "lan.toml"
    drop_in.parent.mkdir()
    drop_in.write_text(OLD)
    watching = watch(path)
    noise(path)
    drop_in.write_text(NEW)
    assert awaited(bell, path, [OLD, NEW])
    assert {drop_in} == set(watching.noted)
    watching.noted.clear()
    noise(path)
    path.write_text(NEW)
    assert awaited(bell, path, [NEW, NEW])
    assert {path} == set(watching.noted)


def test_own_arming_is_silent(path: Path, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """Watching anew after a ring makes no event that rings again."""
    watching = watch(path)
    path.write_text(NEW)
    assert awaited(bell, path, [NEW])
    path.unlink()
    assert awaited(bell, path, [])
    assert [path, path] == watching.noted


def test_endless_burst(path: Path, bell: Bell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who never stops writing doesn't keep it from ringing."""
    monkeypatch.setattr("vxland.config.watch.PATIENCE", 2)
    watching = ConfigWatch(path, bell.ring, debounce=1.0)
    watching.start()
    done = threading.Event()

    def write() -> None:
        while not done.wait(0.01):  # well within the debounce
            path.write_text(NEW)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert bell.heard()
    finally:
        done.set()
        writer.join()
        watching.stop()


def test_burst_is_one_ring(path: Path, bell: Bell) -> None:
    """What comes close together rings once. The debounce is longer than any test machine sleeps."""
    watching = ConfigWatch(path, bell.ring, debounce=1.0)
    watching.start()
    for _ in range(10):
        path.write_text(NEW)
    assert bell.heard()
    watching.stop()
    assert not bell.heard(0)


def test_changed_while_arming(
    path: Path, bell: Bell, watch: Callable[[Path], Watching], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A way that changed after it was looked up and before it was watched rings."""
    real = reach(path)
    answers = [Reach((), frozenset(), None)]
    monkeypatch.setattr("vxland.config.watch.reach", lambda _: answers.pop() if answers else real)
    watch(path)
    assert bell.heard()


def knows(watching: Watching, *paths: Path) -> bool:
    """Whether it comes to take these files, and no others of this test's, for unclosed."""
    own = watching._path.parents[2]
    end = time.monotonic() + PATIENCE
    while True:
        unclosed = {path for path in watching.unclosed.copy() if path.is_relative_to(own)}
        if unclosed == set(paths) or time.monotonic() > end:
            return unclosed == set(paths)
        time.sleep(0.01)


def test_unclosed(path: Path, bell: Bell, watch: Callable[[Path], Watching]) -> None:
    """A file is, from the first change of it until it is closed, each for itself."""
    drop_in = path.with_name("vxland.toml.d") / "lan.toml"
    drop_in.parent.mkdir()
    watching = watch(path)
    with path.open() as reader:
        reader.read()
        with path.open("w") as one, drop_in.open("w") as other:
            assert knows(watching, path, drop_in)
            other.close()
            assert knows(watching, path)
            assert awaited(bell, path, ["", ""])
            one.write(NEW)
            one.flush()
            drop_in.unlink()
            assert awaited(bell, path, [NEW])
            assert knows(watching, path)
        assert knows(watching)


def test_unclosed_in_a_folder_watched_anew(
    path: Path, bell: Bell, watch: Callable[[Path], Watching]
) -> None:
    """What was known to be unclosed before still is."""
    watching = watch(path)
    with path.open("w"):
        assert knows(watching, path)
        path.with_name("vxland.toml.d").mkdir()
        assert bell.heard()
        assert knows(watching, path)
    assert knows(watching)


def test_closed_while_another_folder_comes_to_be_watched(
    path: Path, bell: Bell, watch: Callable[[Path], Watching]
) -> None:
    """A new drop-in is one more name to look at, and a link leads to one more folder: no gap."""
    watching = watch(path)
    drop_ins = path.with_name("vxland.toml.d")
    drop_ins.mkdir()
    assert bell.heard()
    for number in range(20):
        with (drop_ins / f"{number}.toml").open("w"):
            target = path.parents[1] / f"elsewhere{number}" / "linked.toml"
            target.parent.mkdir()
            (drop_ins / f"link{number}.toml").symlink_to(target)
            time.sleep(0.035 + 0.001 * number)  # about when the watch looks what to watch
        assert knows(watching), number


def test_unclosed_and_renamed(path: Path, watch: Callable[[Path], Watching]) -> None:
    """A file keeps that under another name; one that is replaced or deleted is over."""
    watching = watch(path)
    new = path.with_suffix(".new")
    with new.open("w") as early:
        early.write("half")
        early.flush()
        assert knows(watching, new)
        new.rename(path)
        assert knows(watching, path)
    assert knows(watching)
    with path.open("w"):
        assert knows(watching, path)
        new.write_text(NEW)
        new.rename(path)
        assert knows(watching)
    with path.open("w"):
        assert knows(watching, path)
        path.unlink()
        assert knows(watching)


def test_stopped(path: Path, bell: Bell) -> None:
    """After stop() nothing rings and no thread is left; stopping twice or unstarted is harmless."""
    before = threading.active_count()
    ConfigWatch(path, bell.ring).stop()
    watching = ConfigWatch(path, bell.ring)
    watching.start()
    watching.stop()
    watching.stop()
    path.write_text(NEW)
    assert not bell.heard(0)
    assert before == threading.active_count()


PROBLEM = """
import sys
from pathlib import Path
from vxland.config.watch import ConfigWatch
watch = ConfigWatch(Path(sys.argv[1]), lambda: None)
watch.start()
print(watch.problem)
watch.stop()
"""


def problem(path: Path, user: int | None = None, *limits: str) -> str:
    """What is wrong for another process: another user's, or one under inotify limits.

    Needs root, or a kernel that lets everybody make user namespaces.
    """
    command = [sys.executable, "-W", "error", "-c", PROBLEM, str(path)]
    if limits:
        script = "".join(f"echo {limit}; " for limit in limits) + 'exec "$@"'
        command = ["unshare", "--user", "--map-root-user", "sh", "-ec", script, "sh", *command]
    done = subprocess.run(
        command, user=user, capture_output=True, text=True, check=False, timeout=60, cwd="/"
    )
    assert not done.stderr
    return done.stdout.strip()


def test_no_inotify_instances(path: Path) -> None:
    """Without an inotify instance it says so, and what to do."""
    found = problem(path, None, "0 > /proc/sys/user/max_inotify_instances")
    assert "inotify instance limit reached" in found
    assert "fs.inotify.max_user_instances" in found


def test_too_few_inotify_watches(path: Path) -> None:
    """The folder that got no watch is named, and what to do."""
    found = problem(path, None, f"{len(path.parents) - 1} > /proc/sys/user/max_inotify_watches")
    assert found.startswith(f"can't watch {path.parent} for changes (inotify watch limit reached)")
    assert "fs.inotify.max_user_watches" in found
    assert len(found.split(";")) == 1


def test_unreadable_folder(crossable: Path) -> None:
    """A folder that may be crossed but not read is named, and what to do."""
    if os.geteuid() != 0:
        pytest.fail("this needs root: it becomes another user")
    path = crossable / "etc" / "vxland.toml"
    path.parent.mkdir()
    path.parent.chmod(0o711)
    crossable.chmod(0o755)
    found = problem(path, NOBODY)
    assert found.startswith(f"can't watch {path.parent} for changes (Permission denied)")
    assert "Let the user that vxland runs as read this folder" in found


@pytest.mark.usefixtures("laboratory")
def test_mounted_over(
    path: Path,
    bell: Bell,
    watch: Callable[[Path], Watching],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mount makes no event, but is looked for; what lies there is watched from then on."""
    monkeypatch.setattr("vxland.config.watch.RETRY", 0.05)
    drop_ins, other = path.with_name("vxland.toml.d"), path.with_name("elsewhere")
    drop_ins.mkdir()
    other.mkdir()
    watch(path)
    subprocess.run(["mount", "--bind", other, drop_ins], check=True)
    try:
        assert bell.heard()
        assert not bell.heard(0.2)
        (other / "lan.toml").write_text(NEW)
        assert bell.heard()
    finally:
        subprocess.run(["umount", drop_ins], check=True)
    assert bell.heard()


def test_problem_is_tried_again(path: Path, bell: Bell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What couldn't be watched is tried again, with a ring for what was missed meanwhile."""
    failures = [OSError(errno.EMFILE, "inotify instance limit reached")]

    def observer() -> BaseObserver:
        if failures:
            raise failures.pop()
        return Observer()

    monkeypatch.setattr("vxland.config.watch.Observer", observer)
    monkeypatch.setattr("vxland.config.watch.RETRY", 0.01)
    watching = ConfigWatch(path, bell.ring)
    watching.start()
    try:
        path.write_text(NEW)
        assert bell.heard()
        assert watching.problem is None
        path.write_text("# newer\n")
        assert awaited(bell, path, ["# newer\n"])
    finally:
        watching.stop()
