"""Signing through the pool of two against two raw processes on the same stores, in pairs.

Both run in one and the same bench, one after the other, many short rounds: what the machine does
besides hits both. The ratio is the median over the pairs.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from crypto.keyfile import load_pool_configs
from crypto.pool import HsmPool
from crypto.signer import SignRequest
from tests.hsm.load import all_up
from tests.hsm.stores import document_claims, make_bench

ROUND_S, ROUNDS = 1.0, 7
# Enough requests at once to keep both HSMs busy, as a day's queue does.
AT_ONCE = 256
TARGET = 0.85


@dataclass(frozen=True, slots=True)
class Measured:
    """Signatures per second, processor seconds per signature, median wait in seconds."""

    rate: float
    cpu_s: float
    wait_s: float = 0.0


class Raw:
    """A process of benchmarks.hsm_raw; its store is open while it lives."""

    def __init__(self, bench: Path, name: str, env: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.hsm_raw", str(bench), name],
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "ready\n"

    def begin(self, seconds: float) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()

    def result(self) -> Measured:
        """Of the round begun."""
        count, seconds, cpu = self._answer().split()
        return Measured(int(count) / float(seconds), float(cpu) / int(count))

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def raw(bench: Path) -> Measured:
    """One process per store, both at once."""
    with ExitStack() as stack:
        raws = [Raw(bench, c.name, dict(c.env)) for c in load_pool_configs(bench)]
        for each in raws:
            stack.callback(each.close)
            each.begin(0.1)
        for each in raws:
            each.result()
            each.begin(ROUND_S)
        results = [each.result() for each in raws]
        rate = sum(result.rate for result in results)
        return Measured(rate, sum(r.cpu_s * r.rate for r in results) / rate)


async def pooled(bench: Path, state: Path) -> Measured:
    """The same stores behind the pool, bytes in and COSE out."""
    requests = [SignRequest("bench", "LIC", document_claims("LIC", n)) for n in range(512)]
    async with HsmPool(load_pool_configs(bench), state_dir=state) as pool:
        await all_up(pool)
        await _round(pool, requests, 0.1)
        cpu = _cpu(pool)
        waits, seconds = await _round(pool, requests, ROUND_S)
        cpu = _cpu(pool) - cpu
    return Measured(len(waits) / seconds, cpu / len(waits), statistics.median(waits))


def _cpu(pool: HsmPool) -> float:
    """Processor seconds so far of this process and the workers."""
    times = [psutil.Process(pid).cpu_times() for pid in (os.getpid(), *pool.pids().values())]
    return sum(each.user + each.system for each in times)


async def _round(
    pool: HsmPool, requests: list[SignRequest], seconds: float
) -> tuple[list[float], float]:
    """Each wait, and the seconds that the round really took."""
    began = time.perf_counter()
    waits: list[float] = []

    async def client(number: int) -> None:
        while (now := time.perf_counter()) < began + seconds:
            await pool.sign(requests[number % len(requests)])
            waits.append(time.perf_counter() - now)
            number += 1

    await asyncio.gather(*(client(number) for number in range(AT_ONCE)))
    return waits, time.perf_counter() - began


def run() -> list[dict[str, Any]]:
    """Rows for bench.json: the rate, and the processor's time, which a busy machine blurs less."""
    with tempfile.TemporaryDirectory() as directory:
        bench, state = make_bench(Path(directory) / "bench", ["LIC"]), Path(directory) / "state"
        pairs = []
        for number in range(ROUNDS):
            # The order changes, so that a drift of the machine favours neither.
            first = raw(bench) if number % 2 else None
            pool = asyncio.run(pooled(bench, state))
            pairs.append((pool, first or raw(bench)))
    wait = statistics.median(pool.wait_s for pool, _ in pairs) * 1e3
    return [
        _row(
            f"pool of two, {AT_ONCE} requests at once (p50 {wait:.1f} ms)",
            "signatures/s",
            [(pool.rate, raw.rate, pool.rate / raw.rate) for pool, raw in pairs],
        ),
        _row(
            "processor time of all processes",
            "µs/signature",
            [(p.cpu_s * 1e6, r.cpu_s * 1e6, r.cpu_s / p.cpu_s) for p, r in pairs],
        ),
    ]


def _row(name: str, unit: str, pairs: list[tuple[float, float, float]]) -> dict[str, Any]:
    value, reference, ratio = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {
        "bench": "signing",
        "name": name,
        "value": round(value, 1),
        "unit": unit,
        "reference": "two raw processes on the same stores, median of pairs",
        "reference_value": round(reference, 1),
        "ratio": round(ratio, 3),
        "target": TARGET,
        "holds": ratio >= TARGET,
    }


if __name__ == "__main__":
    for each in run():
        print(each)
