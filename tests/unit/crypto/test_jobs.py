"""The queue and the cutting of batches."""

from __future__ import annotations

import asyncio

import pytest

from crypto.jobs import LARGE, SMALL, Job, Queue, batch_size
from crypto.signer import SignRequest


@pytest.fixture
async def jobs() -> list[Job]:
    loop = asyncio.get_running_loop()
    return [Job(SignRequest(str(n), "LIC", b"x"), loop.create_future(), 0.0) for n in range(6)]


def anyone(job: Job) -> bool:
    return True


async def test_oldest_first_and_returned_ones_in_front(jobs: list[Job]) -> None:
    queue = Queue()
    for job in jobs:
        queue.add(job)
    taken = queue.take(3, anyone)
    assert taken == jobs[:3]
    assert queue.put_back(taken) == 3
    assert queue.take(9, anyone) == jobs


async def test_done_and_waiting_ones_are_not_put_back(jobs: list[Job]) -> None:
    queue = Queue()
    queue.add(jobs[0])
    jobs[1].future.cancel()
    assert queue.put_back(jobs[:3]) == 1
    assert queue.take(9, anyone) == [jobs[2], jobs[0]]


async def test_what_one_hsm_may_not_take_keeps_its_place(jobs: list[Job]) -> None:
    queue = Queue()
    for job in jobs:
        queue.add(job)
    assert queue.take(2, lambda job: int(job.request.request_id) % 2 == 1) == [jobs[1], jobs[3]]
    assert queue.take(9, anyone) == [jobs[0], jobs[2], jobs[4], jobs[5]]


async def test_one_that_may_kill_workers_goes_alone(jobs: list[Job]) -> None:
    queue = Queue()
    jobs[1].deaths = 2
    for job in jobs[:4]:
        queue.add(job)
    assert queue.take(9, anyone) == [jobs[0], jobs[2], jobs[3]]
    assert queue.take(9, anyone) == [jobs[1]]


async def test_a_batch_ends_before_it_is_too_large_for_a_frame() -> None:
    loop = asyncio.get_running_loop()
    queue = Queue()
    for n in range(5):
        request = SignRequest(str(n), "STATUS", bytes(3_000_000))
        queue.add(Job(request, loop.create_future(), 0.0))
    assert len(queue.take(9, anyone)) == 2


@pytest.mark.parametrize(
    ("waiting", "ready", "slots", "limit", "size"),
    [
        (1, 2, 4, 32, 1),
        (2, 2, 4, 32, 1),  # one each
        (10, 2, 4, 32, 5),
        (16, 2, 4, 32, SMALL),
        (40, 2, 4, 32, 10),
        (5000, 2, 4, 32, LARGE),
        (5000, 2, 4, 1, 1),  # a slow HSM
        (9, 1, 1, 32, 9),
    ],
)
def test_batches_grow_with_what_waits(
    waiting: int, ready: int, slots: int, limit: int, size: int
) -> None:
    assert batch_size(waiting, ready, slots, limit) == size
