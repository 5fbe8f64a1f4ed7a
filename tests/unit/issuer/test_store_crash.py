"""A process killed by SIGKILL in the middle of its work loses nothing that was answered.

Run as a program with a URL, this file is that process: sixteen tasks that print a card, book it
and tell it, and write a line to the pipe only after the store has answered.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from issuer.custody import checks, entries
from issuer.custody.entries import Act, Piece
from issuer.custody.ledger import Movement, Place
from issuer.custody.summary import Line
from issuer.domain import Event
from issuer.store import custody, numbers, outbox
from issuer.store.engine import Store

ROOT = Path(__file__).parents[3]
KILLS = 5
RIBBON = Piece("RIBBON", lot="R-1")


def step(conn: Connection, job: str) -> str:
    """A document's number, its movements and its event: all of them or none."""
    now = datetime.now(UTC)
    number = numbers.next_document_number(conn, "LPZ-01", "L", now)
    act = Act("LPZ-01", "service", now, job, number)
    card = Piece("PVC-LIC", f"S{job.replace('-', '')}")
    custody.post(
        conn,
        [
            *entries.receive(act, [card, RIBBON]),
            *entries.load(act, "lic-1", [card, RIBBON]),
            *entries.print_card(act, "lic-1", card, [RIBBON]),
            *entries.settle(act, card),
        ],
    )
    outbox.emit(conn, "LPZ-01", "job.settled", job, {"number": number}, now)
    return number


async def work(url: str, run: str) -> None:
    store = Store.open(url)

    async def task(name: int) -> None:
        for count in range(1_000_000):
            job = f"{run}-{name:02d}-{count:06d}"
            number = await store.run(step, job)
            os.write(1, f"{job} {number}\n".encode())

    await asyncio.gather(*(task(name) for name in range(16)))


def killed_in_mid_run(url: str, run: int) -> list[tuple[str, str]]:
    """Starts the process, kills it after some answers; returns what it had been answered."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, url, f"{run}"], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    chance = random.Random(run)
    # Counted in answers, not in seconds: on a busy machine it is killed in mid-run all the same.
    answered = [process.stdout.readline() for _ in range(chance.randint(5, 25))]
    time.sleep(chance.uniform(0, 0.02))
    process.send_signal(signal.SIGKILL)
    answered += process.stdout.readlines()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    lines = [line.decode().split() for line in answered if line.endswith(b"\n")]
    return [(job, number) for job, number in lines]


def everything(
    conn: Connection,
) -> tuple[list[Movement], dict[tuple[Place, str], int], list[Event], list[int], list[Line]]:
    return (
        custody.lines(conn, "LPZ-01", 0, 1_000_000),
        custody.balances(conn, "LPZ-01"),
        outbox.events_after(conn, "LPZ-01", 0, 1_000_000),
        custody.numbers_of(conn, "LPZ-01"),
        custody.ledger_summary(conn, "LPZ-01"),
    )


async def test_killed_again_and_again(store_url: str) -> None:
    answered: list[tuple[str, str]] = []
    for run in range(KILLS):
        answered += await asyncio.to_thread(killed_in_mid_run, store_url, run)
    assert len(answered) >= KILLS * 5, "the processes did not get to work"
    store = Store.open(store_url)
    try:
        # One snapshot: a server may still commit what a dead client had sent.
        moves, books, told, seqs, summary = await store.read(everything)
    finally:
        await store.close()
    # Nothing that was answered is lost, and no number was handed out twice.
    stored = {(event.subject, event.data["number"]) for event in told}
    assert set(answered) <= stored
    assert len({number for _, number in stored}) == len(told)
    # Every transaction is whole: an event for each job with seven movements, and the reverse.
    assert len(moves) == 7 * len(told)
    assert {move.job_id for move in moves} == {event.subject for event in told}
    # And the books are right, without a gap.
    assert checks.audit(moves) == []
    assert checks.books_agree(moves, books) == []
    assert checks.no_gap(seqs) == []
    assert checks.no_gap(event.seq for event in told) == []
    assert all(line.balanced for line in summary)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2]))
