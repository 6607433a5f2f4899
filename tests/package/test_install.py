"""scripts/install, as an administrator of a system without dpkg runs it."""

import os
import re
import shutil
import stat
from collections.abc import Iterator

import pytest

from tests.package.build import CHECKOUT
from tests.package.root import Root, copied, unpacked
from vxland import __version__

pytestmark = [pytest.mark.package, pytest.mark.timeout(900, func_only=True)]

INSTALL = "/checkout/scripts/install"
SOURCES = (
    *("src", "etc", "packaging", "scripts", "docs", "requirements"),
    *("pyproject.toml", "LICENSE", "README.md"),
)
UNIT = "/usr/local/lib/systemd/system/vxland.service"
NOBODYS = 65534
NOBODY = ("setpriv", f"--reuid={NOBODYS}", f"--regid={NOBODYS}", "--clear-groups")
FOUND = "/usr/local/bin/vxland"


def put_checkout(root: Root) -> None:
    """The sources, as somebody with a strict umask has them."""
    target = root.path("/checkout")
    target.mkdir(mode=0o700)
    for name in SOURCES:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target / name)
    for path in target.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)


@pytest.fixture(scope="module")
def tools(laboratory: None) -> Iterator[Root]:
    """A system with all that scripts/install needs, and without dpkg."""
    del laboratory
    with unpacked("trixie", "build") as root:
        put_checkout(root)
        root.run("apt-get", "-q", "update")
        root.run("apt-get", "-qy", "install", "systemd-standalone-sysusers")
        root.run("apt-get", "-qy", "install", "systemd-standalone-tmpfiles")
        for program in root.path("/usr/bin").glob("dpkg*"):
            program.unlink()
        yield root


@pytest.fixture
def other(tools: Root) -> Iterator[Root]:
    """One of those to change."""
    with copied(tools) as root:
        yield root


def own(root: Root) -> dict[str, str]:
    """The files that aren't just somebody's notes."""
    return {
        path: about
        for path, about in root.files().items()
        if not re.match(r"/(tmp|srv|var/log|root|etc/(passwd|shadow|group|gshadow|\.pwd))", path)
    }


def put_program(root: Root, path: str, version: str, mode: int) -> None:
    """A vxland as pip would have put it there, as far as scripts/install looks at it."""
    program = root.path(path)
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\necho vxland {version}\n")
    program.chmod(mode)


@pytest.mark.usefixtures("laboratory")
def test_what_is_missing_is_named_and_nothing_is_written() -> None:
    with unpacked("trixie", "bare") as root:
        put_checkout(root)
        before = own(root)
        done = root.run(INSTALL, "--prefix", "/usr/local", check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert "there is no Python 3.11 or newer" in done.stderr
        root.run("apt-get", "-q", "update")
        root.run("apt-get", "-qy", "--no-install-recommends", "install", "python3-minimal")
        before = own(root)
        done = root.run(INSTALL, "--prefix", "/usr/local", check=False)
        assert done.returncode == 1
        for missing in ("ensurepip", "Python's headers", "gcc", "libsystemd's headers"):
            assert missing in done.stderr
        assert "apt-get install" in done.stderr
        assert own(root) == before


def test_where_dpkg_is_the_package_is_the_way(tools: Root) -> None:
    with copied(tools) as root:
        put_program(root, "/usr/bin/dpkg-query", "", 0o755)  # that it's there is what counts
        before = own(root)
        done = root.run(INSTALL, check=False)
        assert done.returncode == 1
        assert "scripts/build-deb" in done.stderr
        assert own(root) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--prefix", "/opt/vxland"], "/usr and /usr/local only"),
        (["--prefix", "here"], "begins with /"),
        (["--frobnicate"], "unknown: --frobnicate"),
        (["--remove"], "nothing was installed below /usr/local"),
    ],
)
def test_bad_command_line_is_refused(tools: Root, words: list[str], message: str) -> None:
    done = tools.run(INSTALL, *words, check=False)
    assert done.returncode == 1
    assert message in done.stderr


def test_remove_takes_away_what_install_brought(other: Root) -> None:
    before = own(other)
    said = other.run(INSTALL).stderr
    assert "systemctl enable --now vxland" in said
    assert other.run(*NOBODY, "vxland", "--version").stdout == f"vxland {__version__}\n"
    other.run(*NOBODY, "vxland", "check")
    assert "ExecStart=/usr/local/bin/vxland run\n" in other.path(UNIT).read_text()
    assert re.search(r"^vxland:", other.path("/etc/passwd").read_text(), re.MULTILINE)
    brought = {path: about for path, about in own(other).items() if path not in before}
    assert any("__pycache__/cli." in path for path in brought)
    assert {about.split(" ", 1)[1] for about in brought.values()} <= {
        "644 root root",
        "755 root root",
        "755 vxland vxland",  # /run/vxland
    }

    other.path("/etc/vxland.toml").write_text("# mine\n")
    other.path("/usr/local/lib/vxland/later.py").touch()  # by somebody else's hand
    other.run(INSTALL)  # once more, as an upgrade
    assert other.path("/etc/vxland.toml").read_text() == "# mine\n"

    said = other.run(INSTALL, "--remove").stderr
    assert "vxland down" in said
    assert set(own(other)) - set(before) <= {"/etc/vxland.toml", "/run/vxland"}
    assert set(before) - set(own(other)) == set()
    assert other.path("/etc/vxland.toml").read_text() == "# mine\n"


def test_upgrade_takes_away_what_is_not_shipped_any_more(other: Root) -> None:
    put_program(other, FOUND, __version__, 0o755)
    other.run(INSTALL)
    page = other.path("/usr/local/share/man/man8/vxland.8")
    assert page.exists()
    other.path("/checkout/packaging/man/vxland.8").unlink()
    other.run(INSTALL)
    assert not page.exists()
    assert "echo vxland" in other.path(FOUND).read_text()  # pip's own, still


def test_program_that_pip_installed_is_used(other: Root) -> None:
    put_program(other, "/opt/pipx/venvs/vxland/bin/vxland", __version__, 0o755)
    other.path(FOUND).symlink_to("/opt/pipx/venvs/vxland/bin/vxland")
    said = other.run(INSTALL).stderr
    assert "the service will run /opt/pipx/venvs/vxland/bin/vxland" in said
    assert "ExecStart=/opt/pipx/venvs/vxland/bin/vxland run\n" in other.path(UNIT).read_text()
    assert not other.path("/usr/local/lib/vxland").exists()
    other.run(INSTALL, "--remove")
    assert other.path(FOUND).is_symlink()


@pytest.mark.whole
def test_pip_installs_it_from_the_source_tree(other: Root) -> None:
    """As pipx does: into an environment of its own, with a link to the program."""
    other.run("python3", "-m", "venv", "/opt/vxland")
    other.run("/opt/vxland/bin/pip", "install", "-q", "/checkout")
    other.path(FOUND).symlink_to("/opt/vxland/bin/vxland")
    said = other.run(INSTALL).stderr
    assert "the service will run /opt/vxland/bin/vxland" in said
    assert other.run(*NOBODY, "vxland", "check", "--json").stdout.find('"errors": []') >= 0


@pytest.mark.parametrize(
    ("path", "version", "mode", "reason"),
    [
        ("/root/.local/bin/vxland", __version__, 0o755, "the service can't see it there"),
        ("/opt/bin/vxland", __version__, 0o700, "other users can't execute it"),
        ("/opt/bin/vxland", "0.0.1", 0o755, "it is vxland 0.0.1"),
    ],
)
def test_program_that_the_service_could_not_run_is_not_used(
    other: Root, path: str, version: str, mode: int, reason: str
) -> None:
    put_program(other, path, version, mode)
    folder = path.rpartition("/")[0]
    other.path("/usr/bin/gcc").unlink()  # so that it gets no further than to its own environment
    done = other.run(INSTALL, check=False, PATH=f"{folder}:/usr/sbin:/usr/bin:/sbin:/bin")
    assert f"not using {path}: {reason}" in done.stderr
    assert "these are missing:\n  gcc" in done.stderr


def test_destdir_needs_no_root_and_does_nothing_else(other: Root) -> None:
    other.path("/checkout").chmod(0o755)
    for path in other.path("/checkout").rglob("*"):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    other.path("/checkout/scripts/install").chmod(0o755)
    made = other.path("/srv/made")
    made.mkdir()
    os.chown(made, NOBODYS, NOBODYS)
    before = own(other)
    words = (INSTALL, "--prefix", "/usr", "--destdir", "/srv/made")
    other.run(*NOBODY, *words, HOME="/srv/made", PIP_CONFIG_FILE=os.devnull)
    assert (
        "ExecStart=/usr/bin/vxland run\n"
        in (made / "usr/lib/systemd/system/vxland.service").read_text()
    )
    assert stat.S_IMODE((made / "etc/vxland.toml").stat().st_mode) == 0o644
    assert list(made.rglob("__pycache__")) + list(made.rglob("manifest")) == []
    assert own(other) == before
