"""A day at the office: stock comes in, requests are taken down, the counter works."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from dataclasses import dataclass, field
from pathlib import Path

from crypto.pool import HsmPool
from issuer.acts import Actor
from issuer.applications import Application, BadRow, read_applications
from issuer.daemon import Daemon
from issuer.desk import Desk
from issuer.domain import Job, JobState
from issuer.trial.bench import DAY, Bench
from issuer.trial.counter import Counter
from issuer.trial.progress import Steps

OVER = frozenset({JobState.DELIVERED, JobState.REFUSED, JobState.CANCELLED})
POUCHES = 100
ROLL = 500  # prints of a new roll, as the profile has it


@dataclass(slots=True)
class Day:
    """What happened, for the report."""

    bad_rows: list[BadRow] = field(default_factory=list)
    requests: dict[str, str] = field(default_factory=dict)  # job id → request id
    jobs: list[Job] = field(default_factory=list)
    lost_hsm: str | None = None


async def stock_up(desk: Desk, bench: Bench, daemon: Daemon) -> None:
    """Receives the day's material and loads it: serials as scanned off the hoppers."""
    custodian = Actor("custodio", desk.office)
    for machine in bench.machines:
        if machine.material is None:
            await desk.receive_counted(custodian, "POUCH", POUCHES, "P-2026-11", "AV-2/0001")
            continue
        serials = bench.serials(machine.name)
        lot = f"{machine.prefix}-2026-11"
        await desk.receive_blanks(custodian, machine.material, lot, serials, "AV-2/0001")
        await desk.load_hopper(custodian, machine.name, machine.material, serials)
        await _load_rolls(desk, custodian, daemon, machine.name)


async def _load_rolls(desk: Desk, custodian: Actor, daemon: Daemon, name: str) -> None:
    """Rolls are booked by the serial that the machine reads off their tags."""
    lane = daemon.lanes[name]
    async with lane.turns.take():
        snapshot = await lane.look()
    profile = daemon.services.profile
    bill = {
        line.material: profile.material(line.material)
        for code in lane.types
        for line in profile.document(code).bill
    }
    for material in bill.values():
        if material.tracking != "roll":
            continue
        supply = next(s for s in snapshot.supplies if s.material == material.supply)
        await desk.load_roll(custodian, name, material.code, supply.serial, supply.remaining)


async def take_down(desk: Desk, day: Day, steps: Steps, samples: Path = DAY) -> None:
    """Every request of the file is taken in; a row that is none is kept with its problems."""
    rows = list(read_applications(samples / "requests.jsonl"))
    steps.begin("Recepción de solicitudes / intake", len(rows))
    for number, row in enumerate(rows, 1):
        if isinstance(row, BadRow):
            day.bad_rows.append(row)
        else:
            job = await desk.take_in(row, await _portrait(row, samples))
            day.requests[job.id] = row.request_id
        steps.set(number)


async def _portrait(application: Application, samples: Path) -> bytes | None:
    if application.portrait is None:
        return None
    return await asyncio.to_thread((samples / application.portrait).read_bytes)


async def work(
    desk: Desk, bench: Bench, daemon: Daemon, day: Day, steps: Steps, *, lose_hsm: bool
) -> Counter:
    """The counter works until every job is delivered or refused."""
    counter = Counter(
        desk, bench, lambda: daemon.services.trust.trust, Actor("ventanilla", desk.office)
    )
    counter.spoil_first = "LIC"
    done = asyncio.Event()
    steps.begin("Emisión / issuing", len(day.requests))
    async with asyncio.TaskGroup() as group:
        group.create_task(counter.serve(done))
        while True:
            day.jobs = await desk.queue()
            over = sum(job.state in OVER for job in day.jobs)
            steps.set(over, _states(day.jobs))
            if lose_hsm and day.lost_hsm is None and over >= len(day.jobs) // 3:
                day.lost_hsm = _lose_hsm(daemon, steps)
            stuck = [job for job in day.jobs if job.state in _STUCK]
            if over + len(stuck) == len(day.jobs):
                break
            await asyncio.sleep(0.2)
        done.set()
    return counter


_STUCK = frozenset({JobState.ATTENTION, JobState.UNDETERMINED})


def _states(jobs: list[Job]) -> str:
    tally = Tally(job.state.value for job in jobs)
    return " · ".join(f"{count} {state}" for state, count in tally.most_common(4))


def _lose_hsm(daemon: Daemon, steps: Steps) -> str:
    """Kills the worker of the HSM that has signed most, and keeps it out."""
    pool = daemon.services.signer
    assert isinstance(pool, HsmPool)
    name = max(pool.status(), key=lambda hsm: hsm.signatures).name
    pool.kill(name)
    steps.say(f"HSM {name}: perdido a propósito / killed on purpose")
    return name
