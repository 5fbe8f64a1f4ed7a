"""The test house: see tests/unit/issuer/house. One HSM pool and one composer a test process."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from issuer.composing import Composer
from issuer.profile import Profile, load_profile
from issuer.store.engine import Store
from issuer.trial.bench import PROJECT, prepare_hsm

from .house.building import House
from .house.opening import build, open_house
from .house.signing import SharedPool


@pytest.fixture(scope="session", autouse=True)
def _plain_logs() -> None:
    """Left alone, structlog draws every traceback with all variables, for half a minute."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


@pytest.fixture(scope="session")
def bolivia_profile() -> Profile:
    return load_profile(PROJECT / "issuer" / "profiles" / "bolivia")


@pytest.fixture(scope="session")
def hsm_bench(tmp_path_factory: pytest.TempPathFactory, bolivia_profile: Profile) -> Path:
    """Two SoftHSM stores with keys for the agency's documents. Do not change it: copy it."""
    return prepare_hsm(tmp_path_factory.mktemp("hsm"), bolivia_profile)


@pytest.fixture(scope="session")
def hsm_pool(hsm_bench: Path) -> Iterator[SharedPool]:
    pool = SharedPool(hsm_bench)
    yield pool
    pool.close()


class OncePrepared(Composer):
    """A composer that prepares each portrait once: every test here brings the same one."""

    def __init__(self) -> None:
        super().__init__(1)
        self._prepared: dict[bytes, bytes] = {}

    async def prepare(self, data: bytes) -> bytes:
        if data not in self._prepared:
            self._prepared[data] = await super().prepare(data)
        return self._prepared[data]


@pytest.fixture(scope="session")
def composer() -> Iterator[Composer]:
    opened = OncePrepared()
    yield opened
    opened.close()


@pytest.fixture
async def house(
    store: Store,
    bolivia_profile: Profile,
    composer: Composer,
    hsm_bench: Path,
    hsm_pool: SharedPool,
    tmp_path: Path,
) -> House:
    """A stocked house on an empty store, on both engines, with a trust directory of its own."""
    trust = tmp_path / "trust"
    shutil.copytree(hsm_bench / "trust", trust)
    built = build(store, bolivia_profile, composer, hsm_pool, trust)
    await open_house(built)
    return built
