"""The counter's page in the system's Chromium, over a desk that answers the same every time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from issuer.domain import JobState
from tests.e2e.counter_desk import FakeDesk, full_desk, printer, qr_text, serial
from tests.e2e.counter_site import PASSWORD, Site, chromium, site

GONE_MS = 5000
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def desk() -> FakeDesk:
    return full_desk()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all: its start takes longer than most of these tests."""
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def at(desk: FakeDesk, sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Site]:
    """A served page with accounts of its own."""
    database = tmp_path / "accounts.db"
    database.write_bytes(sqlite_template.read_bytes())
    async with site(f"sqlite:///{database}", tmp_path, desk) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="module")
async def page(at: Site, browser: Browser) -> AsyncIterator[Page]:
    """The counter's page, signed in and live. Anything on its console fails the test."""
    said: list[str] = []
    window = await browser.new_context(viewport={"width": 1366, "height": 768})
    token = await at.token()
    await window.add_cookies([{"name": "fedatario-session", "value": token, "url": at.url}])
    made = await window.new_page()
    made.on("console", lambda line: said.append(f"{line.type}: {line.text}"))
    made.on("pageerror", lambda error: said.append(str(error)))
    await made.goto(at.url)
    await expect(made.locator("#link-words")).to_have_text("en vivo")
    yield made
    await window.close()
    expected = ("ERR_CONNECTION", "ERR_INCOMPLETE_CHUNKED", "ERR_EMPTY_RESPONSE", "status of 500")
    strange = [line for line in said if not any(code in line for code in expected)]
    assert strange == []


def row(ticket: str) -> str:
    return f".row:has(.ticket:text-is('{ticket}'))"


async def wedge(page: Page, text: str) -> None:
    """Types as a scanner does, 5 ms a key and Enter; the keys carry their own times, so that a
    busy machine does not make a slow typist of it."""
    keyboard = await page.context.new_cdp_session(page)
    start = time.time()
    sent = []
    for at, char in enumerate(text + "\r"):
        key = {"key": "Enter", "windowsVirtualKeyCode": 13} if char == "\r" else {"key": char}
        for kind, extra in (("keyDown", {"text": char}), ("keyUp", {})):
            event = {"type": kind, "timestamp": start + at * 0.005, **key, **extra}
            sent.append(keyboard.send("Input.dispatchKeyEvent", event))
    await asyncio.gather(*sent)
    await keyboard.detach()


async def test_the_queue_shows_and_follows_what_happens(page: Page, desk: FakeDesk) -> None:
    await expect(page.locator(".row")).to_have_count(10)
    await expect(page.locator(".row .ticket").first).to_have_text("0004")
    refused = page.locator(row("0008"))
    await expect(refused).to_contain_text("no figura como pagado")
    desk.add(JobState.ADMITTED)
    await expect(page.locator(row("0011"))).to_be_visible(timeout=GONE_MS)
    desk.move("job-005", JobState.TO_INSPECT)
    await expect(page.locator(row("0005"))).to_contain_text("por inspeccionar")
    desk.machines["lic-1"] = printer(state="ready")
    await expect(page.locator("[aria-label=lic-1] .state")).to_have_text("✓ lista")
    desk.machines["lic-1"] = printer(state="working", phase="printing", done=0.4)
    await expect(page.locator("[aria-label=lic-1] progress")).to_have_js_property("value", 0.4)


async def test_the_next_job_is_printed_by_two_keys(page: Page, desk: FakeDesk) -> None:
    await page.select_option("#filter", "admitted")
    await page.locator("#scan-title").evaluate("() => document.activeElement.blur()")
    await page.keyboard.press("n")
    await expect(page.locator("#detail-title")).to_have_text("Trámite 0001")
    await expect(page.locator("#detail .main")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#detail .state")).to_have_text("➜ en cola de impresión")
    assert desk.calls == [("print", "job-001", "admin", None)]
    await page.keyboard.press("n")
    await expect(page.locator("#detail-title")).to_have_text("Trámite 0002")


async def test_an_earlier_answer_does_not_take_the_open_job_away(
    page: Page, desk: FakeDesk
) -> None:
    """A change of the first job is being read while the person has gone on to the second."""
    await page.click(row("0001"))
    await expect(page.locator("#detail-title")).to_have_text("Trámite 0001")

    async def slowly(route: Route) -> None:
        await asyncio.sleep(0.3)
        await route.continue_()

    await page.route("**/api/queue", slowly)
    async with page.expect_request("**/api/queue"):
        desk.emit("job.act", "job-001")
    await page.click(row("0002"))
    await page.wait_for_timeout(500)
    await expect(page.locator("#detail-title")).to_have_text("Trámite 0002")


async def test_shortcuts_can_be_switched_off(page: Page) -> None:
    await page.click("#keys-open")
    await page.uncheck("#keys-on")
    await page.click("#keys button")
    await page.keyboard.press("n")
    await page.wait_for_timeout(150)
    await expect(page.locator("#detail-title")).to_have_text("Elija un trámite")


async def test_a_wedge_inspects_without_touching_anything(page: Page, desk: FakeDesk) -> None:
    await page.locator("#queue-title").click()
    await wedge(page, qr_text("L00000003"))
    await expect(page.locator("#step-qr")).to_have_class("done")
    await expect(page.locator("#scan-label")).to_have_text("Ahora el serial preimpreso, al reverso")
    await wedge(page, serial(3))
    verdict = page.locator("#verdict")
    await expect(verdict).to_contain_text("CORRECTA")
    await expect(verdict).to_have_class("verdict good")
    await expect(page.locator("#verdict-said")).to_contain_text("CORRECTA")
    assert desk.calls == [("inspect", "job-003", "admin", serial(3))]
    await expect(page.locator("#detail-title")).to_have_text("Trámite 0003")


async def test_a_misfeed_is_shown_and_the_lane_stops(page: Page) -> None:
    await page.locator("#queue-title").click()
    await wedge(page, serial(4))
    await expect(page.locator("#step-serial")).to_have_class("done")
    await wedge(page, qr_text("L00000003"))
    verdict = page.locator("#verdict")
    await expect(verdict).to_contain_text("ALTO: NO ENTREGAR")
    await expect(verdict).to_contain_text("la tolva se corrió")
    await expect(verdict).to_have_class("verdict stop")
    await expect(page.locator("[aria-label=lic-1] .state")).to_have_text("■ detenida")


async def test_a_scan_does_not_pollute_what_somebody_writes(page: Page, desk: FakeDesk) -> None:
    await page.click(row("0010"))
    reason = page.locator("form[data-act=reprint] textarea")
    await reason.press_sequentially("salió borrosa", delay=60)
    await wedge(page, qr_text("L00000003"))
    await expect(page.locator("#step-qr")).to_have_class("done")
    await page.click(row("0010"))
    await expect(reason).to_have_value("salió borrosa")
    assert desk.calls == []


async def test_what_was_typed_survives_a_refusal_and_a_change(page: Page, desk: FakeDesk) -> None:
    await page.click(row("0007"))
    await expect(page.locator(".portrait")).to_have_js_property("naturalWidth", 300)
    await page.check("input[value=collector]")
    await page.fill("textarea[name=receiver]", "Ana Ruiz, 4455667")
    await page.select_option("select[name=earlier]", "surrendered")
    desk.failing = RuntimeError("no")
    await page.click("form[data-act=deliver] button")
    await expect(page.locator("form[data-act=deliver] [role=alert]")).to_contain_text(
        "falla interna"
    )
    desk.jobs["job-007"] = replace(desk.jobs["job-007"], priority=3)
    desk.emit("job.act", "job-007")
    await expect(page.locator(row("0007"))).to_contain_text("prioritario")
    await expect(page.locator("textarea[name=receiver]")).to_have_value("Ana Ruiz, 4455667")
    await page.click("form[data-act=deliver] button")
    await expect(page.locator("#detail .state")).to_have_text("✓ entregado")
    delivered = ("deliver", "job-007", "admin", "collector", "Ana Ruiz, 4455667", "surrendered")
    assert desk.calls[-1] == delivered


async def test_a_doubtful_print_is_led_by_three_choices(page: Page, desk: FakeDesk) -> None:
    await page.click(row("0004"))
    await expect(page.locator(".choice")).to_have_count(3)
    await page.click(".choice:has-text('El material sigue en la tolva')")
    await expect(page.locator("#detail .state")).to_have_text("● por imprimir")
    assert desk.calls == [("resolve", "job-004", "admin", "in_hopper")]


async def test_a_hopper_is_loaded_by_two_scans(page: Page, desk: FakeDesk) -> None:
    machine = page.locator("[aria-label=lic-1]")
    await machine.locator("summary:has-text('Cargar la tolva')").click()
    await machine.locator("input[name=first]").click()
    await page.keyboard.type(serial(101))
    await machine.locator("input[name=last]").click()
    await wedge(page, serial(110))
    await expect(machine.locator(".blanks")).to_have_text("En la tolva: 94")
    assert desk.calls[0][0] == "load"
    assert len(desk.calls[0][3]) == 10


async def test_a_lost_connection_is_shown_at_once_and_recovers(
    page: Page, at: Site, desk: FakeDesk
) -> None:
    await page.click(row("0001"))
    await at.stop()
    await expect(page.locator("#link-words")).to_have_text("sin conexión", timeout=GONE_MS)
    await expect(page.locator("#lost")).to_contain_text("nada se envía por su cuenta")
    await page.click("form[data-act=print] button")
    alert = page.locator("form[data-act=print] [role=alert]")
    await expect(alert).to_contain_text("mire cómo quedó el trámite")
    desk.move("job-002", JobState.TO_INSPECT)
    await at.start()
    await expect(page.locator("#link-words")).to_have_text("en vivo", timeout=15_000)
    await expect(page.locator("#lost")).to_be_hidden()
    await expect(page.locator(row("0002"))).to_contain_text("por inspeccionar")
    assert desk.calls == [], "nothing was sent later by itself"


async def test_seven_tabs_share_one_connection(page: Page) -> None:
    tabs = [await page.context.new_page() for _ in range(6)]
    for tab in tabs:
        await tab.goto(page.url)
        await expect(tab.locator("#link-words")).to_have_text("en vivo")
        await expect(tab.locator(".row")).to_have_count(10)
        await expect(tab.locator(".machine")).to_have_count(4)


async def test_somebody_signs_in_for_the_first_time(at: Site, browser: Browser) -> None:
    made = await at.people.first_sign_in(at.desk.office)
    assert made is not None
    window = await browser.new_context()
    page = await window.new_page()
    await page.goto(at.url)
    await page.fill("[name=name]", made[0].name)
    await page.fill("[name=password]", made[1])
    await page.keyboard.press("Enter")
    await page.fill("[name=old]", made[1])
    await page.fill("[name=new]", PASSWORD)
    await page.fill("[name=again]", PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("#link-words")).to_have_text("en vivo")
    await page.click("text=Salir")
    await expect(page).to_have_url(f"{at.url}/sign-in")
    await window.close()
