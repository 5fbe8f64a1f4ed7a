"""Document numbers and status indices: never twice, whoever asks, from however many sides."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from issuer.store import numbers
from issuer.store.engine import Store
from issuer.store.permutation import permute

KEY = bytes(range(32))


@given(st.integers(1, 3000), st.binary(min_size=1, max_size=64))
@settings(max_examples=25, deadline=None)
def test_the_permutation_is_a_bijection_of_any_size(size: int, key: bytes) -> None:
    assert sorted(permute(i, size, key) for i in range(size)) == list(range(size))


@given(
    st.sets(st.integers(0, (1 << 20) - 1), min_size=2, max_size=200),
    st.binary(min_size=32, max_size=32),
)
@settings(deadline=None)
def test_the_whole_list_has_no_collisions(values: set[int], key: bytes) -> None:
    out = {permute(value, 1 << 20, key) for value in values}
    assert len(out) == len(values)
    assert all(0 <= value < 1 << 20 for value in out)


def test_the_permutation_never_changes() -> None:
    # Golden: were it to change, an index in use would be handed out again.
    assert [permute(i, 1 << 20, KEY) for i in range(4)] == GOLDEN
    assert [permute(i, 1 << 20, KEY[::-1]) for i in range(4)] != GOLDEN


GOLDEN = [481964, 438667, 273168, 373434]


def test_neighbours_are_scattered() -> None:
    out = [permute(i, 1 << 20, KEY) for i in range(1000)]
    near = sum(abs(a - b) < 1024 for a, b in itertools.pairwise(out))
    assert near < 20  # about 2 expected of a random order; 999 for a counter


def test_outside_the_range_is_refused() -> None:
    for value in (-1, 16):
        with pytest.raises(ValueError, match="is not in"):
            permute(value, 16, KEY)


def many_numbers(conn: Connection, office: str, count: int, block: int) -> list[str]:
    return [numbers.next_document_number(conn, office, "L", block=block) for _ in range(count)]


def many_indices(conn: Connection, office: str, count: int, block: int) -> list[tuple[str, int]]:
    return [numbers.next_status_index(conn, office, block=block) for _ in range(count)]


async def test_an_office_counts_through_its_block_then_leases_another(store: Store) -> None:
    first = await store.run(many_numbers, "LPZ-01", 3, 4)
    other = await store.run(many_numbers, "CBB-01", 1, 4)
    more = await store.run(many_numbers, "LPZ-01", 3, 4)
    assert first == ["L00000001", "L00000002", "L00000003"]
    assert other == ["L00000005"]
    assert more == ["L00000004", "L00000009", "L00000010"]


async def test_prefixes_count_apart(store: Store) -> None:
    await store.run(many_numbers, "LPZ-01", 3, 4)
    assert await store.run(numbers.next_document_number, "LPZ-01", "C") == "C00000001"


async def test_thirty_two_tasks_in_two_stores_share_no_number(store_url: str) -> None:
    stores = [Store.open(store_url), Store.open(store_url)]
    try:
        work: list[Coroutine[Any, Any, list[Any]]] = [
            stores[i % 2].run(call, f"OFF-{i % 3}", 6, 5)
            for i in range(32)
            for call in (many_numbers, many_indices)
        ]
        given_out = [item for batch in await asyncio.gather(*work) for item in batch]
    finally:
        await asyncio.gather(*(store.close() for store in stores))
    assert len(set(given_out)) == len(given_out) == 32 * 12


async def test_a_block_is_used_to_its_end_although_many_found_it_used_up(store: Store) -> None:
    # Without the second look under the counter's lock, numbers of a fresh block would be lost.
    await asyncio.gather(*(store.run(many_numbers, "LPZ-01", 1, 8) for _ in range(64)))
    used = await store.run(many_numbers, "LPZ-01", 1, 8)
    assert used == ["L00000065"]


async def test_a_rolled_back_number_is_not_lost(store: Store) -> None:
    def fail(conn: Connection) -> None:
        numbers.next_document_number(conn, "LPZ-01", "L")
        raise RuntimeError("after the number")

    with pytest.raises(RuntimeError, match="after the number"):
        await store.run(fail)
    assert await store.run(many_numbers, "LPZ-01", 1, 4) == ["L00000001"]


async def test_a_full_list_opens_the_next(store: Store) -> None:
    await store.run(lambda conn: numbers.open_status_list(conn, "CENTRE", size=10))
    taken = await store.run(many_indices, "LPZ-01", 12, 4)
    assert sorted(index for name, index in taken[:10] if name == "1") == list(range(10))
    assert {name for name, _ in taken[10:]} == {"2"}


async def test_the_last_number_of_a_prefix(store: Store) -> None:
    def near_the_end(conn: Connection) -> None:
        conn.execute(text("INSERT INTO number_counters VALUES ('document:L', 99999999)"))

    await store.run(near_the_end)
    assert await store.run(many_numbers, "LPZ-01", 1, 4) == ["L99999999"]
    with pytest.raises(numbers.NumbersExhausted, match="another prefix"):
        await store.run(many_numbers, "LPZ-01", 1, 4)
