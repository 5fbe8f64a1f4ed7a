"""Brings a database to the newest schema. Users need no alembic.ini: ``upgrade(url)``.

After a change of ``schema.py``: ``python -m issuer.store.migrate "What the change is"`` writes
the next revision from the difference; read it before committing it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from .engine import driver_url
from .errors import StoreError
from .schema import metadata

SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x66656461  # "feda": the advisory lock of migrations on PostgreSQL


def upgrade(url: str, revision: str = "head") -> None:
    """Creates or updates the tables; a database that is up to date is left alone. Blocks.

    Safe when two daemons start at once: the second waits, and finds nothing to do.
    Raises StoreError if the database cannot be opened or was made by a newer version.
    """
    with _locked(url) as conn:
        config = _config(conn)
        _refuse_newer(conn, config)
        command.upgrade(config, revision)


def downgrade(url: str, revision: str) -> None:
    """Goes back to ``revision`` (``base``: no tables at all). Data in what is dropped is gone."""
    with _locked(url) as conn:
        command.downgrade(_config(conn), revision)


def current(url: str) -> str | None:
    """The revision that the database has; None for an empty one."""
    with _locked(url) as conn:
        return MigrationContext.configure(conn).get_current_revision()


def head() -> str:
    """The revision that this code wants."""
    revision = ScriptDirectory(str(SCRIPTS)).get_current_head()
    assert revision is not None
    return revision


def differences(url: str) -> list[object]:
    """What the database has otherwise than ``schema.py``; empty when all is well."""
    with _locked(url) as conn:
        context = MigrationContext.configure(conn, opts={"compare_server_default": True})
        return list(compare_metadata(context, metadata))


def revise(message: str) -> None:
    """Writes the next revision file from the difference between the newest one and schema.py."""
    with tempfile.TemporaryDirectory() as scratch:
        url = f"sqlite:///{scratch}/schema.db"
        upgrade(url)
        number = len(list(ScriptDirectory(str(SCRIPTS)).walk_revisions())) + 1
        with _locked(url) as conn:
            command.revision(_config(conn), message, autogenerate=True, rev_id=f"{number:04d}")


def _config(conn: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = conn
    return config


def _refuse_newer(conn: Connection, config: Config) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    has = MigrationContext.configure(conn).get_current_revision()
    if has is not None and has not in known:
        raise StoreError(
            f"the database has revision {has}, newer than this program knows: install the "
            "version that made it, or restore the backup from before the update"
        )


@contextmanager
def _locked(url: str) -> Iterator[Connection]:
    """One transaction that no other migration runs beside."""
    target = make_url(driver_url(url))
    lite = target.get_backend_name() == "sqlite"
    arguments = {"isolation_level": None, "timeout": 60} if lite else {}
    engine = create_engine(target, poolclass=NullPool, connect_args=arguments)
    try:
        with engine.connect() as conn, conn.begin():
            if lite:
                conn.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            yield conn
    except DBAPIError as error:
        raise StoreError(
            f"cannot migrate {target.render_as_string()}: {error.orig}; check that it can be "
            "reached and that the user may create tables"
        ) from error
    finally:
        engine.dispose()


if __name__ == "__main__":
    revise(" ".join(sys.argv[1:]) or sys.exit("say what the change is"))
