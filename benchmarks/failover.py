"""One HSM lost under a steady (open-loop) load: what fails, what it costs, when it is back.

The reference of the latency is the same load in the seconds before the loss.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crypto.keyfile import load_pool_configs
from crypto.pool import HsmPool
from crypto.signer import SigningError, SignRequest
from tests.hsm.load import all_up
from tests.hsm.stores import document_claims, make_bench

RATE = 1000  # requests per second; a hundred offices make far fewer
BEFORE_S, AFTER_S = 1.5, 3.0
ADDED_MS, BACK_S = 80.0, 1.0


@dataclass(slots=True)
class Drill:
    """What one loss cost: waits in seconds before and after it, failures, time until back."""

    before: list[float]
    after: list[float]
    failed: int
    back_s: float


async def _drill(bench: Path, lose: Callable[[int], None]) -> Drill:
    requests = [SignRequest("bench", "LIC", document_claims("LIC", n)) for n in range(512)]
    waits: list[tuple[float, float]] = []
    failed = 0

    async def one(request: SignRequest) -> None:
        nonlocal failed
        began = time.perf_counter()
        try:
            await pool.sign(request)
        except SigningError:
            failed += 1
        waits.append((began, time.perf_counter() - began))

    async with HsmPool(load_pool_configs(bench), state_dir=bench / "pool") as pool:
        await all_up(pool)
        loop_began = time.perf_counter()
        lost_at = back_at = 0.0
        sent = 0
        async with asyncio.TaskGroup() as group:
            while (now := time.perf_counter() - loop_began) < BEFORE_S + AFTER_S:
                if not lost_at and now >= BEFORE_S:
                    lost_at, pid = time.perf_counter(), pool.pids()["hsm-a"]
                    lose(pid)
                if lost_at and not back_at and pool.pids()["hsm-a"] != pid:
                    back_at = time.perf_counter() if pool.status()[0].state == "up" else 0.0
                while sent < now * RATE:
                    group.create_task(one(requests[sent % len(requests)]))
                    sent += 1
                await asyncio.sleep(0.001)
    before = [wait for began, wait in waits if began < lost_at - 0.1]
    after = [wait for began, wait in waits if began >= lost_at - 0.1]
    return Drill(before, after, failed, back_at - lost_at if back_at else float("inf"))


def run() -> list[dict[str, Any]]:
    """Rows for bench.json: killed and stopped, three rows each."""
    with tempfile.TemporaryDirectory() as directory:
        bench = make_bench(Path(directory) / "bench", ["LIC"])
        rows = []
        for name, number in (("SIGKILL", signal.SIGKILL), ("SIGSTOP", signal.SIGSTOP)):
            drill = asyncio.run(_drill(bench, lambda pid, number=number: os.kill(pid, number)))
            rows += _rows(f"worker {name}, {RATE}/s", drill, stopped=name == "SIGSTOP")
        return rows


def _rows(name: str, drill: Drill, *, stopped: bool) -> list[dict[str, Any]]:
    usual = sorted(drill.before)[int(len(drill.before) * 0.99)] * 1e3
    worst = max(drill.after) * 1e3
    # A stopped worker is first given its second of silence (PoolTimes.stall_s).
    back_s = BACK_S + (1.0 if stopped else 0.0)
    return [
        _row(f"{name}: failed", drill.failed, "requests", 0, 0),
        _row(f"{name}: worst wait after, above p99 before", worst - usual, "ms", usual, ADDED_MS),
        _row(f"{name}: back in service", drill.back_s, "s", None, back_s),
    ]


def _row(
    name: str, value: float, unit: str, reference: float | None, most: float
) -> dict[str, Any]:
    return {
        "bench": "failover",
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "reference": "" if reference is None else "the same load before the loss",
        "reference_value": None if reference is None else round(reference, 3),
        "ratio": None if not reference else round(value / reference, 3),
        "target": most,
        "holds": value <= most,
    }


if __name__ == "__main__":
    for row in run():
        print(row)
