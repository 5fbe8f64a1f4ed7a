"""Alembic's entry: runs on the connection, and in the transaction, of issuer.store.migrate."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from issuer.store.schema import Utc, metadata


def render(kind: str, item: Any, _autogen: AutogenContext) -> str | Literal[False]:
    """A revision is frozen: it names SQLAlchemy's own types, not ours, which may change."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Utc) else False


connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError("run migrations through issuer.store.migrate.upgrade(url)")
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_item=render,
    render_as_batch=False,
    transactional_ddl=True,
)
context.run_migrations()
