"""``fedatario demo``: the main job, end to end, on real parts and simulated machines."""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from issuer.daemon import open_daemon
from issuer.desk import Desk
from issuer.logs import log_to
from issuer.trial.bench import BenchError, load_bench_profile, open_bench, prepare_hsm, write_config
from issuer.trial.day import Day, stock_up, take_down, work
from issuer.trial.progress import Steps, steps
from issuer.trial.report import Outcome, write_report

T = TypeVar("T")
MARK = ".fedatario-demo"  # only a directory that a demonstration made is ever emptied


def run_demo(out: Path, bench_dir: Path, *, lose_hsm: bool) -> int:
    """Runs the day; exit code 0 only if every document verified and the stock balances."""
    _own_directory(out)
    log_to((out / "log.jsonl").open("a", encoding="utf-8"), logging.WARNING)
    with steps() as progress:
        outcome = asyncio.run(_demo(out, bench_dir, progress, lose_hsm=lose_hsm))
        for problem in outcome.problems:
            progress.say(f"PROBLEMA / problem: {problem}")
        _say_result(outcome, out, progress)
    return 1 if outcome.problems else 0


def _own_directory(out: Path) -> None:
    """An earlier demonstration's directory is emptied; anything else is left alone."""
    if out.exists() and any(out.iterdir()):
        if not (out / MARK).exists():
            raise BenchError(
                f"{out} exists and was not made by a demonstration: choose another --out"
            )
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).touch()


async def _demo(out: Path, bench_dir: Path, progress: Steps, *, lose_hsm: bool) -> Outcome:
    timings: dict[str, float] = {}
    day = Day()
    with _timed(timings, "setup_s"):
        profile = load_bench_profile()
        hsm_dir = await asyncio.to_thread(prepare_hsm, bench_dir / "hsm", profile)
    async with open_bench((out / "bench").resolve(), hsm_dir) as bench:
        config = write_config(bench, port=0, store="sqlite", lease_s=10)
        async with open_daemon(config) as daemon:
            running = asyncio.create_task(daemon.run())
            desk = Desk(daemon)
            try:
                with _timed(timings, "stock_s"):
                    await _or_fail(stock_up(desk, bench, daemon), running)
                with _timed(timings, "intake_s"):
                    await _or_fail(take_down(desk, day, progress), running)
                with _timed(timings, "issue_s"):
                    counter = await _or_fail(
                        work(desk, bench, daemon, day, progress, lose_hsm=lose_hsm), running
                    )
                with _timed(timings, "report_s"):
                    return await write_report(out, bench, daemon, day, counter.scanned, timings)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


async def _or_fail(doing: Coroutine[Any, Any, T], running: asyncio.Task[None]) -> T:
    """What ``doing`` returns; a daemon that ends meanwhile fails the demonstration at once."""
    task = asyncio.create_task(doing)
    try:
        await asyncio.wait({task, running}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        running.result()
        raise BenchError("the daemon ended before the day did")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextmanager
def _timed(timings: dict[str, float], name: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    timings[name] = time.monotonic() - start


def _say_result(outcome: Outcome, out: Path, progress: Steps) -> None:
    found = outcome.summary["documents"]
    progress.say(
        f"{len(found)} documentos, {len(outcome.summary['refused'])} solicitudes rechazadas con "
        f"motivo / documents, refused requests with a reason; {out / 'summary.json'}"
    )
    for hsm in outcome.summary["hsms"]:
        progress.say(f"HSM {hsm['name']}: {hsm['signatures']} firmas / signatures ({hsm['state']})")
    if not outcome.problems:
        progress.say("Todo verifica y el material cuadra. / All verify and the stock balances.")
