"""Who else could read the key, or put another file in the place of one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.http.recipe import Recipe
from tests.http.site import Stage, served
from vxland.cli import main
from vxland.http import exposure
from vxland.http.exposure import exposures
from vxland.http.tls import Certificates


def opened(recipe: Recipe) -> None:
    recipe.tls("").chmod(0o777)


def linked(recipe: Recipe) -> None:
    """To where everybody may write."""
    shared = recipe.folder / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    recipe.tls("server.key").rename(shared / "server.key")
    recipe.tls("server.key").symlink_to(shared / "server.key")


def chained(recipe: Recipe) -> None:
    """By way of there, to where nobody else may."""
    linked(recipe)
    (recipe.folder / "closed").mkdir()
    key = recipe.folder / "shared/server.key"
    key.rename(recipe.folder / "closed/server.key")
    key.symlink_to("../closed/server.key")


def sticky(recipe: Recipe) -> None:
    """There, nobody can take away what is another's: as in /tmp."""
    recipe.tls("").chmod(0o1777)


OTHERS = 4711  # a user, and a group, that are nobody's
USERS, GROUPS = "the user 4711 can", "the group 4711 can"
KEY = "{}/server.key (tls_key in [http])"


def belongs(recipe: Recipe, name: str, mode: int, *, user: int = 0, group: int = 0) -> None:
    """Give one of the files, or their folder, away."""
    os.chown(recipe.tls(name), user or os.geteuid(), group or os.getegid())
    recipe.tls(name).chmod(mode)


def linked_by_another(recipe: Recipe) -> None:
    """From a folder as /tmp is, where each thing is its owner's."""
    linked(recipe)
    recipe.tls("").chmod(0o1777)
    (recipe.folder / "shared").chmod(0o755)
    os.chown(recipe.tls("server.key"), OTHERS, OTHERS, follow_symlinks=False)


REPLACED = "put another file in the place of"
# What others may do, and what is said of it: {} is the files' folder, <> the one that it is in.
EXPOSED: dict[str, tuple[Callable[[Recipe], object], list[str]]] = {
    "all read the key": (
        lambda recipe: recipe.tls("server.key").chmod(0o644),
        ["read {}/server.key (tls_key in [http]): chmod o= {}/server.key"],
    ),
    "all write the authority's": (
        lambda recipe: recipe.tls("clients.pem").chmod(0o646),
        ["write to {}/clients.pem (tls_client_ca in [http]): chmod o-w {}/clients.pem"],
    ),
    "all write in the folder": (
        opened,
        [
            f"{REPLACED} {{}}/server.pem (tls_cert in [http]): chmod o-w {{}}",
            f"{REPLACED} {{}}/server.key (tls_key in [http]): chmod o-w {{}}",
            f"{REPLACED} {{}}/clients.pem (tls_client_ca in [http]): chmod o-w {{}}",
        ],
    ),
    "a link to such a folder": (
        linked,
        [f"{REPLACED} {{}}/server.key (tls_key in [http]): chmod o-w <>/shared"],
    ),
    "links in a chain": (
        chained,
        [f"{REPLACED} {{}}/server.key (tls_key in [http]): chmod o-w <>/shared"],
    ),
    "a sticky folder": (sticky, []),
}
ANOTHERS: dict[str, tuple[Callable[[Recipe], object], list[str]]] = {
    "a group reads the key": (
        lambda recipe: belongs(recipe, "server.key", 0o640, group=OTHERS),
        ["the group 4711 can read {}/server.key (tls_key in [http]): chgrp root {}/server.key"],
    ),
    "a group writes it": (
        lambda recipe: belongs(recipe, "server.key", 0o620, group=OTHERS),
        ["the group 4711 can write to {}/server.key (tls_key in [http]): chmod g-w {}/server.key"],
    ),
    "a group reads a certificate": (
        lambda recipe: belongs(recipe, "server.pem", 0o640, group=OTHERS),
        [],
    ),
    "root's group": (lambda recipe: belongs(recipe, "server.key", 0o660), []),
    "a user's": (
        lambda recipe: belongs(recipe, "server.key", 0o400, user=OTHERS),
        ["the user 4711 can write to {}/server.key (tls_key in [http]): chown root {}/server.key"],
    ),
    "a user's folder": (
        lambda recipe: belongs(recipe, "", 0o755, user=OTHERS),
        [
            f"{USERS} {REPLACED} {{}}/server.pem (tls_cert in [http]): chown root {{}}",
            f"{USERS} {REPLACED} {{}}/server.key (tls_key in [http]): chown root {{}}",
            f"{USERS} {REPLACED} {{}}/clients.pem (tls_client_ca in [http]): chown root {{}}",
        ],
    ),
    "a group's folder": (
        lambda recipe: belongs(recipe, "", 0o775, group=OTHERS),
        [
            f"{GROUPS} {REPLACED} {{}}/server.pem (tls_cert in [http]): chmod g-w {{}}",
            f"{GROUPS} {REPLACED} {{}}/server.key (tls_key in [http]): chmod g-w {{}}",
            f"{GROUPS} {REPLACED} {{}}/clients.pem (tls_client_ca in [http]): chmod g-w {{}}",
        ],
    ),
    "a group's sticky folder": (lambda recipe: belongs(recipe, "", 0o1775, group=OTHERS), []),
    "a user's link there": (
        linked_by_another,
        [
            f"{USERS} {REPLACED} {KEY}: chown -h root {{}}/server.key",
        ],
    ),
}


@pytest.mark.usefixtures("laboratory")
@pytest.mark.parametrize("name", ANOTHERS)
def test_whose_the_files_are(recipe: Recipe, name: str) -> None:
    """Root's or the service's: else it is told what others may do."""
    spoil, said = ANOTHERS[name]
    spoil(recipe)
    folder = recipe.tls("").as_posix()
    http = recipe.settings()
    assert http.tls_cert
    assert http.tls_key
    found = Certificates(http.tls_cert, http.tls_key, http.tls_client_ca).warnings()
    assert [*found] == [line.format(folder, folder) for line in said]


@pytest.mark.usefixtures("laboratory")
@pytest.mark.parametrize("mode", [0o640, 0o660])
def test_the_service_is_no_stranger(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    """Nor is its group."""
    monkeypatch.setattr(exposure, "_service", lambda _: (OTHERS, OTHERS, "vxland"))
    belongs(recipe, "server.key", mode, user=OTHERS, group=OTHERS)
    assert [*exposures("tls_key", str(recipe.tls("server.key")))] == []
    belongs(recipe, "server.key", mode, group=OTHERS + 1)
    (first, *_) = exposures("tls_key", str(recipe.tls("server.key")))
    assert first.endswith(f": chgrp vxland {recipe.tls('server.key')}")


@pytest.mark.parametrize("name", EXPOSED)
def test_what_others_may_do_is_warned_of_once(
    recipe: Recipe,
    name: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """And isn't refused. ``vxland check`` tells the same."""
    expose, said = EXPOSED[name]
    expose(recipe)
    folder = recipe.tls("").as_posix()
    due = [
        f"everybody on this machine can {line}".format(folder, folder).replace(
            "<>", recipe.folder.as_posix()
        )
        for line in said
    ]
    with served(Stage(), recipe.anywhere()) as server:
        for _ in range(3):
            server.listen(recipe.anywhere())
        assert server.problem is None
    assert [record.getMessage() for record in caplog.records] == due
    caplog.clear()
    assert main(["check", str(recipe.folder / "vxland.toml")]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.removeprefix("warning: ") for line in told if "everybody" in line] == due


def test_a_folder_that_is_opened_later(recipe: Recipe, caplog: pytest.LogCaptureFixture) -> None:
    """It is told, and once, though no file has changed; and again when it is opened again."""
    with served(Stage(), recipe.anywhere()) as server:
        for mode, told in ((0o777, 3), (0o755, 3), (0o777, 6)):
            recipe.tls("").chmod(mode)
            for _ in range(2):
                server.listen(recipe.anywhere())
            assert len(caplog.records) == told


def test_links_that_go_round_have_an_end(tmp_path: Path) -> None:
    """As in the kernel."""
    (tmp_path / "key").symlink_to("../" + tmp_path.name + "/key")
    assert list(exposures("tls_key", str(tmp_path / "key"))) == []
