"""Screenshots of the counter's page: ``python -m tests.e2e.screens docs/screens``.

Both languages and both themes on the counter's screen (1366×768), and a tablet.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page

from issuer.domain import JobState
from issuer.store import migrate
from tests.e2e.counter_desk import full_desk, qr_text, serial
from tests.e2e.counter_site import Site, chromium, site


async def context(browser: Browser, at: Site, token: str, theme: str, language: str, width: int,
                  height: int) -> BrowserContext:  # fmt: skip
    """A signed-in window."""
    made = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    await made.add_cookies(
        [
            {"name": "fedatario-session", "value": token, "url": at.url},
            {"name": "fedatario-language", "value": language, "url": at.url},
        ]
    )
    return made


async def opened(page: Page, ticket: str) -> None:
    """A job's detail with its pictures."""
    await page.click(f".row:has(.ticket:text-is('{ticket}'))")
    await page.wait_for_selector(f"#detail-title:has-text('{ticket}')")
    if await page.query_selector(".faces"):
        await page.wait_for_selector(".faces img")


async def shoot(browser: Browser, at: Site, token: str, out: Path) -> None:
    """Every picture."""
    for language in ("es", "en"):
        for theme in ("light", "dark"):
            at.desk.move("job-003", JobState.TO_INSPECT, reasons=())
            at.desk.machines["lic-1"] = full_desk().machines["lic-1"]
            window = await context(browser, at, token, theme, language, 1366, 768)
            page = await window.new_page()
            await page.goto(at.url)
            await page.wait_for_selector("[data-link=open]")
            await opened(page, "0001")
            await page.screenshot(path=out / f"counter-{language}-{theme}.png")
            await opened(page, "0004")
            await page.screenshot(path=out / f"undetermined-{language}-{theme}.png")
            await opened(page, "0007")
            await page.check("input[value=collector]")
            await page.screenshot(path=out / f"deliver-{language}-{theme}.png", full_page=True)
            await page.fill("#scan", qr_text("L00000003"))
            await page.press("#scan", "Enter")
            await page.wait_for_selector("#step-qr.done")
            await page.fill("#scan", serial(4) if theme == "dark" else serial(3))
            await page.press("#scan", "Enter")
            await page.wait_for_selector("#verdict:not([hidden])")
            await page.screenshot(path=out / f"verdict-{language}-{theme}.png")
            await window.close()
    window = await context(browser, at, token, "light", "es", 820, 1180)
    page = await window.new_page()
    await page.goto(at.url)
    await page.wait_for_selector("[data-link=open]")
    await opened(page, "0002")
    await page.screenshot(path=out / "tablet-es-light.png", full_page=True)
    await window.clear_cookies(name="fedatario-session")
    await page.goto(at.url)
    await page.screenshot(path=out / "sign-in-es-light.png")
    await window.close()


async def main(out: Path) -> None:
    """Serves an office in the middle of a day and takes the pictures."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        database = f"sqlite:///{directory}/screens.db"
        await asyncio.to_thread(migrate.upgrade, database)
        async with site(database, Path(directory), full_desk()) as at, chromium() as browser:
            await shoot(browser, at, await at.token("maria.quispe"), out)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
