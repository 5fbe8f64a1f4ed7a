"""A wrong PIN is tried once; the latch outlives the pool and waits for an operator."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from crypto.config import HsmConfig
from crypto.keeper import Keeper
from crypto.latch import LatchBook
from crypto.pool import HsmPool
from crypto.signer import SigningUnavailable, SignRequest

from .conftest import StartPool
from .load import state, until
from .stores import document_claims


@pytest.fixture
def wrong_pin(configs: list[HsmConfig], tmp_path: Path) -> HsmConfig:
    """hsm-a with a PIN file that holds another PIN."""
    path = tmp_path / "wrong-pin"
    path.write_text("9999999999999\n")
    path.chmod(0o400)
    return replace(configs[0], pin_source=str(path))


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of HSMs whose worker was started; each start logs in once at most."""
    names: list[str] = []
    real = Keeper._start

    async def counted(self: Keeper) -> None:
        names.append(self.member.name)
        await real(self)

    monkeypatch.setattr(Keeper, "_start", counted)
    return names


async def test_a_wrong_pin_is_tried_exactly_once_even_by_new_pools(
    wrong_pin: HsmConfig, starts: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for _ in range(3):
        pool = HsmPool([wrong_pin], state_dir=tmp_path / "state")
        with pytest.raises(SigningUnavailable, match=r"PinIncorrect since .*clear the latch"):
            await pool.start()
    assert starts == ["hsm-a"]
    assert "9999999999999" not in caplog.text


async def test_the_other_hsm_serves_while_one_is_latched(
    wrong_pin: HsmConfig, configs: list[HsmConfig], starts: list[str], start_pool: StartPool
) -> None:
    pool = await start_pool([wrong_pin, configs[1]])
    await until(lambda: state(pool, "hsm-a") == "latched")
    for number in range(25):
        request = SignRequest(str(number), "LIC", document_claims("LIC", number))
        assert (await pool.sign(request)).hsm == "hsm-b"
        await asyncio.sleep(0.02)  # half a second of service: no further start of the latched one
    assert starts.count("hsm-a") == 1
    assert state(pool, "hsm-a") == "latched"


async def test_an_operator_clears_the_latch_after_mending_the_pin(
    wrong_pin: HsmConfig, configs: list[HsmConfig], starts: list[str], start_pool: StartPool
) -> None:
    pool = await start_pool([wrong_pin, configs[1]])
    await until(lambda: state(pool, "hsm-a") == "latched")
    mended = Path(wrong_pin.pin_source)
    mended.chmod(0o600)
    mended.write_text(Path(configs[0].pin_source).read_text())
    mended.chmod(0o400)
    assert await pool.clear_latch("hsm-a")
    await until(lambda: state(pool, "hsm-a") == "up")
    assert starts.count("hsm-a") == 2
    assert not await pool.clear_latch("hsm-a")


async def test_logins_that_never_answered_latch_too(
    configs: list[HsmConfig], starts: list[str], tmp_path: Path
) -> None:
    """A worker that is killed inside C_Login may have cost the token an attempt each time."""
    book = LatchBook(tmp_path / "state")
    for _ in range(3):
        book.login_begins("hsm-a")
    pool = HsmPool(configs[:1], state_dir=tmp_path / "state")
    with pytest.raises(SigningUnavailable, match="3 logins without an answer"):
        await pool.start()
    assert starts == ["hsm-a"]
    assert book.read("hsm-a") is not None


async def test_a_pin_file_that_others_can_read_is_not_used(
    configs: list[HsmConfig], tmp_path: Path
) -> None:
    path = tmp_path / "open-pin"
    path.write_text(Path(configs[0].pin_source).read_text())
    path.chmod(0o444)
    pool = HsmPool([replace(configs[0], pin_source=str(path))], state_dir=tmp_path / "state")
    with pytest.raises(SigningUnavailable, match="chmod 0400"):
        await pool.start()
    assert LatchBook(tmp_path / "state").read("hsm-a") is None
