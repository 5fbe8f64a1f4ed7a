"""Migrations: the revisions and schema.py say the same, on both engines."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import create_engine, inspect, text

from issuer.store import migrate
from issuer.store.engine import StoreError, driver_url
from issuer.store.schema import metadata


def tables(url: str) -> set[str]:
    engine = create_engine(driver_url(url))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def indexes(url: str) -> set[str]:
    engine = create_engine(driver_url(url))
    try:
        look = inspect(engine)
        return {
            str(index["name"])
            for table in metadata.tables
            for index in look.get_indexes(table)
            if not index.get("duplicates_constraint")
        }
    finally:
        engine.dispose()


def test_an_upgrade_of_nothing_gives_exactly_the_schema(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    assert migrate.differences(empty_url) == []
    assert tables(empty_url) == {*metadata.tables, "alembic_version"}
    wanted = {str(index.name) for table in metadata.tables.values() for index in table.indexes}
    assert indexes(empty_url) == wanted
    assert migrate.current(empty_url) == migrate.head()


def test_a_difference_is_seen(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    engine = create_engine(driver_url(empty_url))
    with engine.begin() as conn:
        conn.execute(text("ALTER TABLE jobs DROP COLUMN reprint_reason"))
    engine.dispose()
    assert len(migrate.differences(empty_url)) == 1


def test_a_second_upgrade_and_the_way_back(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    migrate.upgrade(empty_url)
    migrate.downgrade(empty_url, "base")
    assert tables(empty_url) == {"alembic_version"}
    assert migrate.current(empty_url) is None
    migrate.upgrade(empty_url)
    assert migrate.differences(empty_url) == []


async def test_two_daemons_that_start_at_once_migrate_once(empty_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(migrate.upgrade, empty_url) for _ in range(2)))
    assert migrate.differences(empty_url) == []


def test_a_database_of_a_newer_version_is_refused(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    engine = create_engine(driver_url(empty_url))
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="9999, newer than this program"):
        migrate.upgrade(empty_url)


def test_an_unreachable_database_says_what_to_look_at() -> None:
    with pytest.raises(StoreError, match="check that it can be"):
        migrate.upgrade("postgresql://nobody@/nothing?host=/nonexistent")
    with pytest.raises(StoreError, match="check that it can be"):
        migrate.upgrade("sqlite:////nonexistent/x.db")
