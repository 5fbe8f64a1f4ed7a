"""``fedatario hsm``: embedded HSMs for an office without hardware, their state, their latches."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from crypto.ceremony import embedded_plan, run_ceremony
from crypto.keyfile import load_pool_configs
from crypto.pool import HsmPool
from issuer.config import load_config
from issuer.profile import load_profile


def run_hsm(config_path: Path, act: str, name: str | None) -> int:
    """``create`` is safe to repeat; ``status`` signs a test message in each HSM."""
    config = load_config(config_path)
    if act == "create":
        profile = load_profile(config.profile_dir)
        usages = tuple(kind.usage for kind in profile.documents.values())
        made = run_ceremony(embedded_plan(config.hsm.dir, usages, authority=profile.authority)).made
        _say("\n".join(f"made {what}" for what in made) or "everything is there already")
        return 0
    pool = HsmPool(load_pool_configs(config.hsm.dir), state_dir=config.hsm.dir / "state")
    if act == "clear-latch":
        if name is None:
            _say("name the HSM: fedatario hsm clear-latch NAME")
            return 2
        cleared = asyncio.run(pool.clear_latch(name))
        _say(
            f"{name}: latch cleared; correct the PIN file before the daemon starts"
            if cleared
            else f"{name}: there was no latch"
        )
        return 0
    return asyncio.run(_status(pool))


async def _status(pool: HsmPool) -> int:
    async with pool:
        await asyncio.sleep(1.0)  # let the slower ones make their test signature too
        states = pool.status()
    for hsm in states:
        _say(f"{hsm.name}: {hsm.state} {hsm.detail}".rstrip())
    return 0 if all(hsm.state == "up" for hsm in states) else 1


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
