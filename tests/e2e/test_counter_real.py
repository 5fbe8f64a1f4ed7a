"""A person at the real bench: daemon, HSMs and machines are processes, the page is in Chromium,
and what is typed as a scan was read off the picture that the machine laid."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from issuer.trial.counter import scan
from tests.e2e.counter_site import PASSWORD, chromium
from tests.e2e.test_counter import wedge

ROOT = Path(__file__).parent.parent.parent
START_S = 90.0
WAIT_MS = 60_000


@dataclass(frozen=True, slots=True)
class Served:
    """What ``serve`` said when it was ready."""

    url: str
    account: str
    code: str
    bench: Path


@asynccontextmanager
async def served(bench: Path) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "issuer.cli", "serve", "--port", "0", "--bench", str(bench),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    try:
        async with asyncio.timeout(START_S):
            while "Ctrl-C" not in said:
                line = await process.stdout.readline()
                assert line, f"serve ended early: {said}"
                said += line.decode()
        url = re.search(r"(http://\S+)", said)
        first = re.search(r"first sign-in: (\S+)\s+código / code: (\S+)", said)
        assert url is not None, said
        assert first is not None, said
        yield Served(url[1], first[1], first[2], bench / "serve" / "machines")
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await process.communicate()
    assert process.returncode == 0, "serve ends cleanly on Ctrl-C"


async def sign_in(page: Page, at: Served) -> None:
    await page.goto(at.url)
    await page.fill("input[name=name]", at.account)
    await page.fill("input[name=password]", at.code)
    await page.click("button.main")
    await page.fill("input[name=old]", at.code)
    await page.fill("input[name=new]", PASSWORD)
    await page.fill("input[name=again]", PASSWORD)
    await page.click("button.main")
    await expect(page.locator("#link-words")).to_have_text("en vivo", timeout=WAIT_MS)


async def card_of(directory: Path) -> Path:
    """The first card that a machine lays."""
    async with asyncio.timeout(WAIT_MS / 1000):
        while True:
            found = sorted((directory / "cards").glob("*/card.json"))
            if found:
                return found[0].parent
            await asyncio.sleep(0.2)


@pytest.mark.timeout(240)
async def test_a_licence_from_the_queue_to_the_hand(tmp_path: Path) -> None:
    """Sign in with the one-time code, print with the keyboard, scan, hand over."""
    async with served(tmp_path) as at, chromium() as browser:
        page = await browser.new_page(viewport={"width": 1366, "height": 768})
        await sign_in(page, at)
        licence = page.locator(".row", has_text="licencia para conducir").filter(
            has_text="por imprimir"
        )
        ticket = await licence.first.locator(".ticket").inner_text()
        await licence.first.click()
        await expect(page.locator("#detail-title")).to_have_text(f"Trámite {ticket}")
        await page.locator("#detail .main").focus()
        await page.keyboard.press("Enter")
        card = await card_of(at.bench / "lic-1")
        state = page.locator("#detail .state")
        await expect(state).to_contain_text("por inspeccionar", timeout=WAIT_MS)

        scanned = await asyncio.to_thread(scan, card)
        assert scanned.qr_text is not None
        assert scanned.serial is not None
        await page.locator("#queue-title").click()
        await wedge(page, scanned.qr_text)
        await expect(page.locator("#step-qr")).to_have_class("done")
        await wedge(page, scanned.serial)
        await expect(page.locator("#verdict")).to_contain_text("CORRECTA", timeout=WAIT_MS)

        await expect(state).to_contain_text("por entregar", timeout=WAIT_MS)
        await page.select_option("form[data-act=deliver] select", "surrendered")
        await page.click("form[data-act=deliver] button")
        await expect(state).to_have_text("✓ entregado", timeout=WAIT_MS)
