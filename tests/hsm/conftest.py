"""One bench of two SoftHSM HSMs per test process; tests in a process run one after another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from crypto.config import HsmConfig
from crypto.keyfile import load_pool_configs
from crypto.pool import HsmPool
from verifier.trust import Trust, TrustList

from .stores import make_bench

StartPool = Callable[..., Any]


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """hsm-a and hsm-b with keys for LIC, CI, STATUS and TEST. Do not change it: copy_bench."""
    return make_bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="session")
def configs(bench: Path) -> list[HsmConfig]:
    return load_pool_configs(bench)


@pytest.fixture(scope="session")
def trust_list(bench: Path) -> TrustList:
    return Trust.load(bench / "trust").trust_list


@pytest.fixture
async def start_pool(tmp_path: Path) -> AsyncIterator[StartPool]:
    """``await start_pool(configs, **options)``: a started pool, closed after the test."""
    async with AsyncExitStack() as stack:

        async def start(configs: list[HsmConfig], **options: Any) -> HsmPool:
            pool = HsmPool(configs, state_dir=tmp_path / "state", **options)
            return await stack.enter_async_context(pool)

        yield start
