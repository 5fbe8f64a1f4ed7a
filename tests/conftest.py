"""Fixtures that more than one room uses: an empty store, on both engines."""

from __future__ import annotations

import fcntl
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import postgres

if TYPE_CHECKING:  # imported where used: tests of other rooms do not wait for SQLAlchemy
    from issuer.store.engine import Store

ENGINES = ["sqlite", "postgresql"]


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.prepare()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.finish()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run chaos and soak tests in full")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that tests copy."""
    from issuer.store import migrate

    path = tmp_path_factory.mktemp("template") / "template.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template() -> Path:
    """The server's directory; it has a migrated database ``template_store`` that tests copy."""
    from issuer.store import migrate

    directory = postgres.server()
    with (directory / "template.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / "template").exists():
            with postgres.administration(directory) as conn:
                conn.execute("CREATE DATABASE template_store")
            migrate.upgrade(postgres.url(directory, "template_store"))
            (directory / "template").touch()
    return directory


@pytest.fixture(params=ENGINES)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Both engines, one after the other."""
    return str(request.param)


@pytest.fixture
def empty_url(engine_name: str, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
    else:
        directory = postgres.server()
        yield from _database(directory, "template1")


@pytest.fixture
def store_url(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A migrated, empty database of the test's own."""
    if engine_name == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "store.db")
        yield f"sqlite:///{tmp_path}/store.db"
    else:
        directory: Path = request.getfixturevalue("postgres_template")
        yield from _database(directory, "template_store")


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """An open store on a migrated, empty database; on both engines."""
    from issuer.store.engine import Store

    opened = Store.open(store_url)
    yield opened
    await opened.close()


def _database(directory: Path, template: str) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex}"
    with postgres.administration(directory) as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield postgres.url(directory, name)
    with postgres.administration(directory) as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")
