"""Daemons that are killed by their own hand: at the n-th occurrence of a durable point, or by time.

``python -m tests.e2e.crash_daemon`` reads one life a line (JSON) from its standard input, forks a
process for each, and tells on standard output what becomes of them (see ``bench.Stable``). It
forks the simulated machines as well.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import multiprocessing
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any


def main() -> int:
    """The stable: forks and reaps until its standard input ends."""
    _load()
    waiting = b""
    while True:
        _reap()
        if not select.select([0], [], [], 0.02)[0]:
            continue
        data = os.read(0, 65536)
        if not data:
            return 0
        *lines, waiting = (waiting + data).split(b"\n")
        for line in lines:
            _fork(json.loads(line))


def _load() -> None:
    """Imports what every life needs, and draws once: that is what costs most in a start."""
    for name in ("cli", "evolis", "paper", "plastifier"):
        importlib.import_module(f"firmware_sim.{name}")
    importlib.import_module("tests.e2e.person")
    from issuer.composing import Order, compose_now
    from issuer.trial.bench import load_bench_profile
    from layouts.samples import sample

    profile = load_bench_profile()
    for code, shape, dpi in (("LIC", "card", 600), ("CI", "form", 300)):
        faces = tuple(face for face in profile.document(code).faces if face is not None)
        compose_now(Order(shape, faces, sample(), date(2026, 11, 20), dpi))
    assert threading.active_count() == 1, "a fork would lose the other threads and keep their locks"


def _reap() -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(pid, "ended", status=status)


def _fork(plan: Mapping[str, Any]) -> None:
    pid = os.fork()
    if pid:
        _tell(pid, "born")
        return
    status = 1
    try:
        os.setpgid(0, 0)  # whatever it leaves behind can be found
        os.close(0)
        status = _run_machine(plan) if "machine" in plan else _run_daemon(plan)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(status)


def _run_machine(plan: Mapping[str, Any]) -> int:
    from firmware_sim.cli import main as run

    _redirect(Path(plan["log"]), 1, 2)
    return run(plan["machine"])


def _run_daemon(plan: Mapping[str, Any]) -> int:
    _redirect(Path(plan["config"]).with_name("daemon.log"), 2)
    _composers_at_hand()
    asyncio.run(_live(plan))
    return 0


def _redirect(log: Path, *handles: int) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for handle in handles:
        os.dup2(file, handle)


def _composers_at_hand() -> None:
    """Composing workers are forked here, before there is any thread, instead of spawned by the
    daemon: a spawned one imports longer than many a life lasts."""
    import issuer.composing
    import issuer.daemon

    class Forked(issuer.composing.Composer):
        def _new(self) -> ProcessPoolExecutor:
            return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork"))

    ready = Forked(1)
    ready._pool.submit(os.getpid).result()
    setattr(issuer.daemon, "Composer", lambda _workers: ready)  # noqa: B010 - a class to mypy


def _tell(pid: int, mark: str, **more: object) -> None:
    # One write below PIPE_BUF: lines of several processes never mix.
    os.write(1, json.dumps({"pid": pid, "mark": mark, **more}).encode() + b"\n")


class Plug:
    """Called at each durable point; pulls the plug where the plan says, once it is armed."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self.armed = False
        self._kill = tuple(plan.get("kill", ()))
        self._stop = tuple(plan.get("stop", ()))
        self._after_s: float | None = plan.get("kill_after_s")
        self._seen: Counter[str] = Counter()

    def arm(self) -> None:
        """From here on points count."""
        self.armed = True

    def start_clock(self) -> None:
        """The requests are in: from here on the time runs, if the plan has one."""
        if self._after_s is not None:
            threading.Timer(self._after_s, _die).start()

    def __call__(self, point: str) -> None:
        """The hook of ``open_daemon(durable=…)``."""
        if not self.armed:
            return
        self._seen[point] += 1
        here = (point, self._seen[point])
        if here == self._kill:
            _die()
        if here == self._stop:
            # The event loop stands still here, and the store's threads come to rest: a process
            # stopped in the middle of a transaction would keep its lock on SQLite's file.
            time.sleep(0.1)
            _tell(os.getpid(), "stopping")
            os.kill(os.getpid(), signal.SIGSTOP)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _live(plan: Mapping[str, Any]) -> None:
    import logging

    from issuer.config import load_config
    from issuer.daemon import open_daemon
    from issuer.desk import Desk
    from issuer.logs import log_to
    from tests.e2e.person import Person, open_shop, take_in

    log_to(sys.stderr, logging.INFO)
    config = load_config(Path(plan["config"]))
    plug = Plug(plan)
    tell: Callable[..., None] = lambda mark, **more: _tell(os.getpid(), mark, **more)  # noqa: E731
    async with open_daemon(config, durable=plug) as daemon:
        desk = Desk(daemon)
        await open_shop(desk, daemon, Path(plan["config"]).parent)
        running = asyncio.create_task(daemon.run())
        tell("ready")
        plug.arm()
        await take_in(desk, plan["requests"])
        plug.start_clock()
        if who := plan.get("person", "all"):
            hall = Path(plan["config"]).parent
            person = Person(desk, hall, only_orders=who == "orders")
            working = asyncio.create_task(person.work())
            await asyncio.wait({working, running}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
            working.result()
            tell("over")
        else:
            await running
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


if __name__ == "__main__":
    raise SystemExit(main())
