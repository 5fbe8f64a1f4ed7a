"""The Signer port on two real (embedded) HSMs."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import cbor2
import pytest

from crypto.config import ConfigError, HsmConfig, KeyRef, PoolTimes
from crypto.guard import health_payload
from crypto.pool import HsmPool
from crypto.signer import SigningRefused, SigningUnavailable, SignRequest
from verifier import sealing
from verifier.trust import TrustList

from .conftest import StartPool
from .load import load, state
from .stores import document_claims


async def test_both_hsms_sign_and_every_answer_verifies(
    start_pool: StartPool, configs: list[HsmConfig], trust_list: TrustList
) -> None:
    pool = await start_pool(configs)
    async with load(pool) as seen:
        while seen.hsms() != {"hsm-a", "hsm-b"} or len(seen.signed) < 60:
            await asyncio.sleep(0.01)
    assert not seen.failed
    seen.check(trust_list)
    assert sum(status.signatures for status in pool.status()) == len(seen.signed)


async def test_a_key_refuses_claims_of_another_type(
    start_pool: StartPool, configs: list[HsmConfig]
) -> None:
    pool = await start_pool(configs)
    with pytest.raises(SigningRefused, match="not of type 'LIC'"):
        await pool.sign(SignRequest("r", "LIC", document_claims("CI")))


async def test_one_refused_request_does_not_spoil_its_batch(
    start_pool: StartPool, configs: list[HsmConfig]
) -> None:
    pool = await start_pool(configs)
    payloads = [document_claims("CI" if n == 5 else "LIC", n) for n in range(12)]
    answers = await asyncio.gather(
        *(pool.sign(SignRequest(str(n), "LIC", p)) for n, p in enumerate(payloads)),
        return_exceptions=True,
    )
    assert [n for n, a in enumerate(answers) if isinstance(a, BaseException)] == [5]
    assert isinstance(answers[5], SigningRefused)


async def test_the_status_key_signs_lists_and_the_test_key_is_not_for_callers(
    start_pool: StartPool, configs: list[HsmConfig], trust_list: TrustList
) -> None:
    pool = await start_pool(configs)
    status = cbor2.dumps({2: "https://example.invalid/1", 6: 1, 65533: {"bits": 2, "lst": b"x"}})
    signed = await pool.sign(SignRequest("s", "STATUS", status, {sealing.TYPE: "statuslist+cwt"}))
    sealed = sealing.split(signed.cose)
    assert trust_list.check(sealed).usage == "STATUS"
    assert sealed.types == {sealing.TYPE: "statuslist+cwt"}
    for usage, payload in (
        ("STATUS", document_claims("LIC")),
        ("LIC", status),
        ("LIC", health_payload(bytes(16))),
        ("TEST", health_payload(bytes(16))),
        ("NOPE", document_claims("NOPE")),
    ):
        with pytest.raises(SigningRefused):
            await pool.sign(SignRequest("r", usage, payload))


async def test_a_header_that_would_replace_the_kid_is_refused(
    start_pool: StartPool, configs: list[HsmConfig]
) -> None:
    pool = await start_pool(configs[:1])
    with pytest.raises(SigningRefused, match="label 4"):
        await pool.sign(SignRequest("r", "LIC", document_claims(), {4: "other-kid"}))


async def test_a_key_of_one_hsm_only_is_used_there(
    start_pool: StartPool, configs: list[HsmConfig], trust_list: TrustList
) -> None:
    a, b = configs
    less = {usage: key for usage, key in b.keys.items() if usage != "CI"}
    pool = await start_pool([a, replace(b, keys=less)])
    signed = await asyncio.gather(
        *(pool.sign(SignRequest(str(n), "CI", document_claims("CI", n))) for n in range(40))
    )
    assert {s.hsm for s in signed} == {"hsm-a"}


async def test_a_large_status_list_passes(start_pool: StartPool, configs: list[HsmConfig]) -> None:
    pool = await start_pool(configs, hedge_after_s=1.0)
    payload = cbor2.dumps({65533: {"bits": 2, "lst": os.urandom(4_000_000)}})
    signed = await pool.sign(SignRequest("big", "STATUS", payload))
    assert sealing.split(signed.cose).payload == payload


async def test_start_says_for_each_hsm_what_to_do(configs: list[HsmConfig], tmp_path: Path) -> None:
    a, b = configs
    wrong = [
        replace(a, module="/usr/lib/no-such-module.so"),
        replace(b, token_label="no-such-token"),
    ]
    times = PoolTimes(first_token_wait_s=0.2)
    pool = HsmPool(wrong, state_dir=tmp_path, times=times)
    with pytest.raises(SigningUnavailable) as raised:
        await pool.start()
    assert "no-such-module.so is not there: install it" in str(raised.value)
    assert "token 'no-such-token' not found" in str(raised.value)
    with pytest.raises(SigningUnavailable, match="not started"):
        await pool.sign(SignRequest("r", "LIC", document_claims()))


async def test_a_key_that_is_not_its_certificates_is_not_used(
    start_pool: StartPool, configs: list[HsmConfig]
) -> None:
    a, b = configs
    other = b.keys["LIC"]
    crossed = replace(a, keys={**a.keys, "LIC": KeyRef("LIC-1", other.kid, other.point)})
    pool = await start_pool([crossed, b])
    await _until_tried(pool, "hsm-a")
    status = pool.status()[0]
    assert "not its certificate's key" in status.detail
    signed = await pool.sign(SignRequest("r", "LIC", document_claims()))
    assert signed.hsm == "hsm-b"


async def _until_tried(pool: HsmPool, name: str) -> None:
    while state(pool, name) == "starting":
        await asyncio.sleep(0.01)


async def test_no_pin_in_argv_or_environment_and_no_core_dump(
    start_pool: StartPool, configs: list[HsmConfig]
) -> None:
    pool = await start_pool(configs[:1])
    pin = Path(configs[0].pin_source).read_text().strip().encode()
    process = Path(f"/proc/{pool.pids()['hsm-a']}")
    for file in ("cmdline", "environ"):
        assert pin not in (process / file).read_bytes()
    limits = (process / "limits").read_text()
    assert "Max core file size        0                    0" in limits
    # Not dumpable: the kernel gives the process's files to root, whoever it runs as.
    assert (process / "status").stat().st_uid == 0


async def test_workers_end_with_the_pool(configs: list[HsmConfig], tmp_path: Path) -> None:
    pool = HsmPool(configs, state_dir=tmp_path)
    await pool.start()
    pids = pool.pids().values()
    await pool.close()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert {status.state for status in pool.status()} == {"down"}


@pytest.mark.parametrize("turns", [0, 1])
async def test_closing_while_a_worker_dies_does_not_hang(
    configs: list[HsmConfig], tmp_path: Path, turns: int
) -> None:
    """asyncio.wait_for of Python 3.11 loses a cancellation that meets its result."""
    pool = HsmPool(configs[:1], state_dir=tmp_path)
    await pool.start()
    os.kill(pool.pids()["hsm-a"], signal.SIGKILL)
    while state(pool, "hsm-a") == "up":
        await asyncio.sleep(0)
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await pool.close()


def test_wrong_configurations_are_named() -> None:
    with pytest.raises(ConfigError, match="no HSM is configured"):
        HsmPool([], state_dir=Path("/nonexistent"))
    with pytest.raises(ConfigError, match="TEST key"):
        HsmConfig("a", "m", "t", "/pin", {})
    with pytest.raises(ConfigError, match="lower-case"):
        HsmConfig("../a", "m", "t", "/pin", {})
    with pytest.raises(ConfigError, match="kid"):
        KeyRef("LIC-1", b"short", b"")


async def test_a_closed_pool_can_be_started_again(configs: list[HsmConfig], tmp_path: Path) -> None:
    pool = HsmPool(configs[:1], state_dir=tmp_path)
    for _ in range(2):
        async with pool:
            assert (await pool.sign(SignRequest("r", "LIC", document_claims()))).hsm == "hsm-a"
            with pytest.raises(RuntimeError, match="started already"):
                await pool.start()


async def test_a_cancelled_start_leaves_no_process(
    configs: list[HsmConfig], tmp_path: Path
) -> None:
    pool = HsmPool(configs[:1], state_dir=tmp_path)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await pool.start()
    assert not Path(f"/proc/{pool.pids()['hsm-a'] or 'none'}").exists()
