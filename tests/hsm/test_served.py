"""An HSM apart from its worker (behind p11-kit server) that is killed, hangs, and returns."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.config import HsmConfig, PoolTimes
from verifier.trust import TrustList

from .conftest import StartPool
from .load import all_up, load, state, until
from .stores import P11_KIT_CLIENT, ServedHsm, served

pytestmark = pytest.mark.skipif(
    not Path(P11_KIT_CLIENT).exists(), reason="apt-get install p11-kit p11-kit-modules"
)


@pytest.fixture
def remote(configs: list[HsmConfig], tmp_path: Path) -> Iterator[ServedHsm]:
    with served(configs[0], tmp_path) as hsm:
        yield hsm


async def test_a_killed_hsm_fails_no_request_and_comes_back(
    remote: ServedHsm, configs: list[HsmConfig], start_pool: StartPool, trust_list: TrustList
) -> None:
    pool = await start_pool([remote.config, configs[1]])
    await all_up(pool)
    async with load(pool, clients=8) as seen:
        await until(lambda: seen.hsms() == {"hsm-a", "hsm-b"})
        remote.signal(signal.SIGKILL)
        await until(lambda: state(pool, "hsm-a") != "up")
        # The module says OK with no tokens now (facts: HSM, trap 5): it must stay out.
        lost = len(seen.signed)
        await until(lambda: len(seen.signed) > lost + 60)
        assert seen.hsms(lost) == {"hsm-b"}
        remote.start()
        await until(lambda: state(pool, "hsm-a") == "up")
        back = len(seen.signed)
        await until(lambda: seen.hsms(back) == {"hsm-a", "hsm-b"})
    assert not seen.failed
    seen.check(trust_list)


async def test_an_idle_hsm_that_dies_is_noticed(
    remote: ServedHsm, configs: list[HsmConfig], start_pool: StartPool
) -> None:
    pool = await start_pool([remote.config, configs[1]], times=PoolTimes(health_s=0.1))
    await all_up(pool)
    remote.signal(signal.SIGKILL)
    await until(lambda: state(pool, "hsm-a") in ("down", "starting"))


async def test_a_hung_hsm_fails_no_request_and_comes_back(
    remote: ServedHsm, configs: list[HsmConfig], start_pool: StartPool, trust_list: TrustList
) -> None:
    """C_Sign never returns (facts: HSM, trap 4): hedged at once, the worker killed soon after."""
    pool = await start_pool([remote.config, configs[1]], times=PoolTimes(stall_s=0.4))
    await all_up(pool)
    pid = pool.pids()["hsm-a"]
    async with load(pool, clients=8) as seen:
        await until(lambda: seen.hsms() == {"hsm-a", "hsm-b"})
        remote.signal(signal.SIGSTOP)
        await until(lambda: pool.pids()["hsm-a"] != pid)
        assert state(pool, "hsm-a") == "starting"
        remote.signal(signal.SIGCONT)
        await until(lambda: state(pool, "hsm-a") == "up")
    assert not seen.failed
    assert seen.worst_s < 1.0
    seen.check(trust_list)
