"""A server in this process, unless a test needs a daemon."""

import os
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.http.recipe import Recipe
from tests.http.site import Stage, served
from vxland.http import Server


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A server that answers what the test sets."""
    stage = Stage()
    with served(stage):
        yield stage


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recipe's certificates."""
    recipe = Recipe(tmp_path_factory.mktemp("recipe"))
    recipe.make()
    return recipe.folder


@pytest.fixture
def recipe(made: Path, tmp_path: Path) -> Recipe:
    """The same, to be spoilt."""
    folder = tmp_path / "recipe"
    shutil.copytree(made, folder)
    return Recipe(folder)


@pytest.fixture
def server(recipe: Recipe) -> Iterator[Server]:
    """With TLS and client certificates."""
    stage = Stage()
    with served(stage, recipe.anywhere()) as server:
        recipe.port = stage.port
        yield server


@pytest.fixture
def among_all(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recipe]:
    """Where others than root get to, and nobody is the user of the service."""
    monkeypatch.setattr("vxland.commands.check.SERVICE", "nobody")
    monkeypatch.setattr("vxland.http.exposure.SERVICE", "nobody")
    with TemporaryDirectory(prefix="vxland-test-") as folder:
        shutil.copytree(recipe.folder, folder, dirs_exist_ok=True)
        Path(folder).chmod(0o755)
        copy = Recipe(Path(folder))
        copy.tls("server.key").chmod(0o640)
        os.chown(copy.tls("server.key"), 0, pwd.getpwnam("nobody").pw_gid)
        copy.settings()
        yield copy
