"""Losing one HSM, at any moment and in any way, fails no request (and the storms behind that)."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import replace

import pytest

from crypto.config import HsmConfig, PoolTimes
from crypto.jobs import Job
from crypto.keeper import Keeper
from crypto.member import Member
from crypto.signer import SigningUnavailable, SignRequest
from verifier.trust import TrustList

from .conftest import StartPool
from .load import all_up, load, state, until
from .stores import document_claims


async def test_sigkill_of_a_worker_under_load_loses_nothing(
    start_pool: StartPool, configs: list[HsmConfig], trust_list: TrustList
) -> None:
    pool = await start_pool(configs, hedge_after_s=5.0)  # nothing but its death moves requests
    await all_up(pool)
    async with load(pool) as seen:
        await until(lambda: len(seen.signed) > 50)
        first = pool.pids()["hsm-a"]
        os.kill(first, signal.SIGSTOP)  # so that it surely has some when it is killed
        await until(lambda: pool.status()[0].in_flight > 0)
        os.kill(first, signal.SIGKILL)
        killed = len(seen.signed)
        await until(lambda: state(pool, "hsm-a") == "up" and pool.pids()["hsm-a"] != first)
        back = len(seen.signed)
        await until(lambda: seen.hsms(back) == {"hsm-a", "hsm-b"})
    assert not seen.failed
    assert killed < back
    assert pool.status()[0].failovers > 0
    seen.check(trust_list)
    assert seen.worst_s < 1.0  # far below the deadline; on idle cores it is a few milliseconds


async def test_sigstop_of_a_worker_under_load_loses_nothing(
    start_pool: StartPool, configs: list[HsmConfig], trust_list: TrustList
) -> None:
    pool = await start_pool(configs, times=PoolTimes(stall_s=0.4))
    await all_up(pool)
    async with load(pool) as seen:
        await until(lambda: len(seen.signed) > 50)
        stopped = pool.pids()["hsm-a"]
        os.kill(stopped, signal.SIGSTOP)
        # Hedged first, then killed and started again since the other one is healthy.
        await until(lambda: state(pool, "hsm-a") == "up" and pool.pids()["hsm-a"] != stopped)
    assert not seen.failed
    seen.check(trust_list)
    assert seen.worst_s < 1.0
    assert pool.status()[0].failovers > 0


async def test_a_short_pause_costs_no_worker(
    start_pool: StartPool, configs: list[HsmConfig], trust_list: TrustList
) -> None:
    pool = await start_pool(configs, times=PoolTimes(stall_s=5.0))
    await all_up(pool)
    async with load(pool) as seen:
        await until(lambda: len(seen.signed) > 50)
        before = pool.pids()
        os.kill(before["hsm-a"], signal.SIGSTOP)
        await until(lambda: state(pool, "hsm-a") == "suspect")
        at = len(seen.signed)
        await until(lambda: len(seen.signed) > at + 50)
        os.kill(before["hsm-a"], signal.SIGCONT)
        # Two answers to the hedged requests; one is returned, the worker is tested and back.
        await until(lambda: state(pool, "hsm-a") == "up")
    assert pool.pids() == before
    assert not seen.failed
    seen.check(trust_list)
    assert sum(s.signatures for s in pool.status()) > len(seen.signed)


async def test_the_last_healthy_worker_is_never_killed(
    start_pool: StartPool, configs: list[HsmConfig]
) -> None:
    a, b = configs
    broken = replace(b, token_label="no-such-token")
    pool = await start_pool([a, broken], times=PoolTimes(stall_s=0.3, first_token_wait_s=0.1))
    pid = pool.pids()["hsm-a"]
    os.kill(pid, signal.SIGSTOP)
    request = asyncio.create_task(pool.sign(SignRequest("r", "LIC", document_claims())))
    await asyncio.sleep(0.8)
    os.kill(pid, signal.SIGCONT)
    assert (await request).hsm == "hsm-a"
    assert pool.pids()["hsm-a"] == pid


async def test_the_only_hsm_is_replaced_when_it_hangs_for_good(
    start_pool: StartPool, configs: list[HsmConfig]
) -> None:
    pool = await start_pool(configs[:1], times=PoolTimes(last_resort_s=0.3))
    pid = pool.pids()["hsm-a"]
    os.kill(pid, signal.SIGSTOP)
    signed = await pool.sign(SignRequest("r", "LIC", document_claims()))
    assert signed.hsm == "hsm-a"
    assert pool.pids()["hsm-a"] != pid


async def test_an_hsm_that_cannot_start_does_not_harm_the_other(
    start_pool: StartPool,
    configs: list[HsmConfig],
    trust_list: TrustList,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The respawn storm of the prototype (facts: HSM, trap 10), at its shortest pauses."""
    a, b = configs
    broken = replace(b, module="/usr/lib/no-such-module.so")
    real, pauses = Keeper._pause, list[float]()

    async def noted(self: Keeper, seconds: float) -> None:
        pauses.append(seconds)
        await real(self, seconds)

    monkeypatch.setattr(Keeper, "_pause", noted)
    pool = await start_pool([a, broken])
    pid, starts = pool.pids()["hsm-a"], set()
    began = time.monotonic()
    async with load(pool) as seen:
        while time.monotonic() < began + 1.2:
            starts.add(pool.pids()["hsm-b"])
            await asyncio.sleep(0.01)
    assert not seen.failed
    assert pool.pids()["hsm-a"] == pid
    assert pool.status()[0].failovers == 0 or seen.worst_s < 1.0
    assert pauses == [0.1, 0.2, 0.4, 0.8][: len(pauses)]
    # 0.1, 0.2, 0.4, 0.8 s and the starts themselves: four or five fit, a storm would have dozens.
    assert 2 <= len(starts - {0}) <= 5
    seen.check(trust_list)


async def test_with_both_lost_requests_fail_at_their_deadline_and_recover(
    start_pool: StartPool, configs: list[HsmConfig]
) -> None:
    pool = await start_pool(configs)
    await all_up(pool)
    pool.kill("hsm-a")
    pool.kill("hsm-b")
    await until(lambda: {s.state for s in pool.status()} == {"drained"})
    began = time.monotonic()
    with pytest.raises(SigningUnavailable, match="deadline"):
        await pool.sign(SignRequest("r", "LIC", document_claims(), deadline_s=0.3))
    assert 0.25 < time.monotonic() - began < 1.5
    waiting = asyncio.create_task(pool.sign(SignRequest("w", "LIC", document_claims())))
    await asyncio.sleep(0.05)
    pool.revive("hsm-b")
    assert (await waiting).hsm == "hsm-b"
    assert state(pool, "hsm-a") == "drained"


async def test_a_drill_takes_one_hsm_out_until_it_is_revived(
    start_pool: StartPool, configs: list[HsmConfig], trust_list: TrustList
) -> None:
    pool = await start_pool(configs)
    await all_up(pool)
    async with load(pool) as seen:
        await until(lambda: seen.hsms() == {"hsm-a", "hsm-b"})
        pool.kill("hsm-a")
        await until(lambda: state(pool, "hsm-a") == "drained")
        at = len(seen.signed)
        await until(lambda: len(seen.signed) > at + 60)
        assert seen.hsms(at) == {"hsm-b"}
        pool.revive("hsm-a")
        await until(lambda: seen.hsms(at) == {"hsm-a", "hsm-b"})
    assert not seen.failed
    seen.check(trust_list)


async def test_a_request_that_ends_workers_is_given_up(
    start_pool: StartPool, configs: list[HsmConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four workers died with it in their hands: it may be the cause, and others wait."""
    pool = await start_pool(configs[:1], times=PoolTimes(backoff_s=(0.01, 0.02)))
    real, lives = Member.send, []

    def deadly(self: Member, jobs: list[Job]) -> None:
        lives.append(self.pid)
        os.kill(self.pid, signal.SIGKILL)
        real(self, jobs)

    monkeypatch.setattr(Member, "send", deadly)
    with pytest.raises(SigningUnavailable, match="4 HSM workers failed"):
        await pool.sign(SignRequest("r", "LIC", document_claims(), deadline_s=30.0))
    assert len(set(lives)) == 4


async def test_a_caller_that_gives_up_leaves_nothing_behind(
    start_pool: StartPool, configs: list[HsmConfig]
) -> None:
    pool = await start_pool(configs)
    for _ in range(20):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await pool.sign(SignRequest("r", "LIC", document_claims()))
    await until(lambda: not any(s.in_flight for s in pool.status()))
    assert (await pool.sign(SignRequest("r", "LIC", document_claims()))).cose
