"""``fedatario serve``: the bench with its pages, for a person at a browser."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from issuer.daemon import open_daemon
from issuer.desk import Desk
from issuer.logs import log_to
from issuer.running import running, until_stopped
from issuer.trial.bench import (
    load_bench_profile,
    open_bench,
    prepare_hsm,
    write_config,
)
from issuer.trial.counter import feed_pouches
from issuer.trial.day import Day, stock_up, take_down
from issuer.trial.progress import steps


def run_serve(bench_dir: Path, port: int) -> int:
    """Runs until Ctrl-C."""
    directory = bench_dir / "serve"
    directory.mkdir(parents=True, exist_ok=True)
    log_to((directory / "log.jsonl").open("a", encoding="utf-8"), logging.INFO)
    asyncio.run(_serve(directory, bench_dir / "hsm", port))
    return 0


async def _serve(directory: Path, hsm: Path, port: int) -> None:
    profile = load_bench_profile()
    hsm_dir = await asyncio.to_thread(prepare_hsm, hsm, profile)
    async with open_bench(directory.resolve(), hsm_dir, seconds_per_card=6.0) as bench:
        for old in (directory / "data").glob("fedatario.db*"):
            old.unlink()  # fresh machines, fresh books: the two must agree
        config = write_config(bench, port=port, store="sqlite", lease_s=15)
        async with open_daemon(config) as daemon, running(daemon, config) as now:
            desk = Desk(daemon)
            await stock_up(desk, bench, daemon)
            with steps() as progress:
                await take_down(desk, Day(), progress)
            _say(f"Páginas / pages: {now.url}")
            first = await now.people.first_sign_in(daemon.office)
            if first is not None:
                _say(f"Primer ingreso / first sign-in: {first[0].name}  código / code: {first[1]}")
            _say(f"Bandejas y máquinas / trays and machines: {directory / 'machines'}")
            _say("Ctrl-C termina / ends.")
            done = asyncio.Event()
            hands = asyncio.create_task(feed_pouches(desk, bench, done))
            try:
                await until_stopped(now.work)
            finally:
                done.set()
                hands.cancel()
                await asyncio.gather(hands, return_exceptions=True)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
