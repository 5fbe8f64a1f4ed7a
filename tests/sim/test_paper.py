"""The paper driver against the simulated machine: a process of its own, over real sockets.

``laid`` in the machine's body counts forms that got ink; it is the judge.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from firmware_sim.control import ControlError
from printers.ports import DeviceError, Outcome, PrintJob, Severity
from tests.sim.paper_bench import Bench, free, job, pdf, silent


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path)
    yield made
    await made.stop()


async def test_a_form_is_printed_once_on_both_sides_over_its_serial(bench: Bench) -> None:
    await bench.start()
    printer = await bench.driver()
    before = await printer.snapshot()
    phases: list[str] = []
    result = await printer.print(job(), before, free, lambda p, _s: phases.append(p))
    assert result.outcome is Outcome.PRINTED
    assert result.after is not None
    assert result.after.counters == {"impressions": 2, "sheets": 1, "last_job": 1}
    assert {"sending", "printing"} <= set(phases)
    card = bench.cards()[0]
    assert (card["serial"], card["job"], card["tray"]) == ("F000001", "J-1", "output")
    faces = bench.out / "cards/000001"
    front, back = (Image.open(faces / f"{s}.png").convert("L") for s in ("front", "back"))
    # Page 1 has a mark 100 px wide, page 2 one of 200: neither swapped, mirrored nor turned.
    assert np.asarray(front)[50, [50, 150]].tolist() == [0, 255]
    assert np.asarray(back)[50, [150, 250]].tolist() == [0, 255]
    assert front.size == (1004, 650)
    assert [code.text for code in zxingcpp.read_barcodes(back)] == ["F000001"]
    assert not zxingcpp.read_barcodes(front)


async def test_the_same_job_is_never_sent_twice(bench: Bench) -> None:
    await bench.start()
    printer = await bench.driver()
    before = await printer.snapshot()
    first = await printer.print(job(), before, free, silent)
    again = await (await bench.driver()).print(job(), before, free, silent)
    assert first.outcome is again.outcome is Outcome.PRINTED
    assert bench.body()["laid"] == 1


async def test_an_answer_that_is_lost_is_found_in_the_job_list(bench: Bench) -> None:
    await bench.start()
    printer = await bench.driver()
    before = await printer.snapshot()
    await bench.fault("lose_answer")
    result = await printer.print(job(), before, free, silent)
    assert result.outcome is Outcome.PRINTED
    assert bench.body()["laid"] == 1


async def test_a_line_that_breaks_in_the_document_prints_nothing_and_may_be_tried_again(
    bench: Bench,
) -> None:
    await bench.start()
    printer = await bench.driver()
    before = await printer.snapshot()
    await bench.fault("reset")
    big = job(document=pdf(noise=True))
    result = await printer.print(big, before, free, silent)
    assert result.outcome is Outcome.NOT_PRINTED
    assert result.blank_at == "hopper"
    assert bench.body()["laid"] == 0
    retried = await printer.print(big, await printer.snapshot(), free, silent)
    assert retried.outcome is Outcome.PRINTED
    assert bench.body()["laid"] == 1


class LeaseLostError(Exception):
    """What a fenced owner's gate raises."""


@pytest.mark.parametrize("open_for", [0, 1, 3])
async def test_a_gate_that_closes_cuts_the_document_and_comes_through(
    bench: Bench, open_for: int
) -> None:
    await bench.start()
    printer = await bench.driver()
    before = await printer.snapshot()
    asked = 0

    def gate() -> None:
        nonlocal asked
        asked += 1
        if asked > open_for:
            raise LeaseLostError

    with pytest.raises(LeaseLostError):
        await printer.print(job(document=pdf(noise=True)), before, gate, silent)
    assert asked == open_for + 1
    # The successor determines and finds that nothing happened; it may print.
    successor = await bench.driver()
    found = await successor.determine("J-1", before)
    assert found.outcome is Outcome.NOT_PRINTED
    assert bench.body()["laid"] == 0


async def test_an_empty_tray_is_waited_for(bench: Bench) -> None:
    await bench.start(hopper=0)
    printer = await bench.driver()
    before = await printer.snapshot()
    assert [c.code for c in before.conditions] == ["hopper_empty"]
    assert before.conditions[0].severity is Severity.ATTENTION
    seen = asyncio.Event()
    task = asyncio.create_task(
        printer.print(
            job(), before, free, lambda p, _s: seen.set() if p == "hopper_empty" else None
        )
    )
    await asyncio.wait_for(seen.wait(), 30)
    with pytest.raises(ControlError, match="each form exists once"):
        await bench.do(do="load", serials=["F000078", "F000078"])
    await bench.do(do="load", serials=["F000077"])
    assert (await task).outcome is Outcome.PRINTED
    assert bench.cards()[0]["serial"] == "F000077"


async def test_a_cover_left_open_ends_the_job_with_the_form_in_the_tray(bench: Bench) -> None:
    await bench.start()
    await bench.fault("cover_open")
    printer = await bench.driver(job_timeout_s="0.3")
    before = await printer.snapshot()
    result = await printer.print(job(), before, free, silent)
    assert result.outcome is Outcome.NOT_PRINTED
    assert result.blank_at == "hopper"
    await bench.do(do="clear")
    await asyncio.sleep(0.4)
    assert bench.body()["laid"] == 0  # it was cancelled, not forgotten


async def test_a_jam_is_never_printed_again_by_the_machine_itself(bench: Bench) -> None:
    await bench.start()
    printer = await bench.driver()
    before = await printer.snapshot()
    await bench.fault("jam")
    # At the sight of the jam, not when its patience (60 s) ends: somebody may clear it any moment.
    async with asyncio.timeout(30):
        result = await printer.print(job(), before, free, silent)
    assert result.outcome is Outcome.UNDETERMINED
    assert result.blank_at == "inside"
    assert "atasco" in result.reason_es
    await bench.do(do="clear", names=["jam"])
    await asyncio.sleep(0.5)
    assert [(c["serial"], c["tray"]) for c in bench.cards()] == [("F000001", "reject")]
    assert bench.body()["laid"] == 1
    again = await printer.print(job(), before, free, silent)
    assert again.outcome is Outcome.UNDETERMINED
    assert bench.body()["laid"] == 1


async def test_a_misfeed_shows_the_wrong_serial_on_the_form(bench: Bench) -> None:
    await bench.start()
    printer = await bench.driver()
    await bench.fault("misfeed")
    await printer.print(job(), await printer.snapshot(), free, silent)
    assert bench.cards()[0]["serial"] == "F000002"
    back = Image.open(bench.out / "cards/000001/back.png")
    assert [code.text for code in zxingcpp.read_barcodes(back)] == ["F000002"]
    assert bench.body()["slipped"] == ["F000001"]


async def test_certificates_on_plain_paper_use_no_form(bench: Bench) -> None:
    await bench.start(hopper=0, forms=False)
    printer = await bench.driver()
    a4 = job(document=pdf(1, (2480, 3508)), pages=1)
    result = await printer.print(a4, await printer.snapshot(), free, silent)
    assert result.outcome is Outcome.PRINTED
    assert bench.cards()[0]["serial"] == ""
    assert Image.open(bench.out / "cards/000001/front.png").size == (2480, 3508)
    assert not (bench.out / "cards/000001/back.png").exists()


async def test_a_document_that_is_no_pdf_prints_nothing(bench: Bench) -> None:
    await bench.start()
    printer = await bench.driver()
    before = await printer.snapshot()
    result = await printer.print(job(document=b"%PDF-1.7 broken"), before, free, silent)
    assert result.outcome is Outcome.NOT_PRINTED
    with pytest.raises(ValueError, match=r"PrintJob\.pdf"):
        await printer.print(PrintJob("J-2"), before, free, silent)


async def test_a_job_that_was_never_sent_is_not_printed(bench: Bench) -> None:
    await bench.start()
    printer = await bench.driver()
    before = await printer.snapshot()
    assert (await printer.determine("J-1", before)).outcome is Outcome.NOT_PRINTED
    await printer.print(job("J-other"), before, free, silent)
    # Something was printed since: nobody can tell any more by counters.
    assert (await printer.determine("J-1", before)).outcome is Outcome.UNDETERMINED


async def test_after_the_host_died_the_job_under_way_is_waited_for(bench: Bench) -> None:
    await bench.start(seconds_per_card=0.6)
    printer = await bench.driver()
    before = await printer.snapshot()
    sent = asyncio.Event()
    task = asyncio.create_task(
        printer.print(job(), before, free, lambda p, _s: sent.set() if p == "printing" else None)
    )
    await asyncio.wait_for(sent.wait(), 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    result = await (await bench.driver()).determine("J-1", before)
    assert result.outcome is Outcome.PRINTED
    assert bench.body()["laid"] == 1


async def test_a_power_cut_with_ink_on_the_form_is_undetermined(bench: Bench) -> None:
    await bench.start_apart("--seconds-per-card", "4", "--forget-jobs")
    printer = await bench.driver()
    before = await printer.snapshot()
    task = asyncio.create_task(printer.print(job(), before, free, silent))
    while not bench.body()["laid"]:
        await asyncio.sleep(0.02)
    await bench.fault("power_cut")
    assert bench.process is not None
    assert await bench.process.wait() == 137
    await bench.start_apart("--forget-jobs")
    result = await task
    assert result.outcome is Outcome.UNDETERMINED
    assert result.after is not None
    assert result.after.position == "inside"
    # The form comes out by hand and shows what it got.
    await bench.do(do="clear")
    assert [(c["serial"], c["tray"], c["inked"]) for c in bench.cards()] == [
        ("F000001", "reject", 2)
    ]
    assert (bench.out / "cards/000001/front.png").exists()
    assert bench.body()["laid"] == 1


async def test_a_power_cut_right_after_the_form_came_out_prints_no_second(bench: Bench) -> None:
    await bench.start_apart()
    printer = await bench.driver()
    before = await printer.snapshot()
    await bench.fault("power_cut", 1)
    task = asyncio.create_task(printer.print(job(), before, free, silent))
    assert bench.process is not None
    assert await asyncio.wait_for(bench.process.wait(), 60) == 137
    await bench.start_apart()
    assert (await task).outcome is Outcome.UNDETERMINED
    assert bench.body()["laid"] == 1


async def test_a_printer_that_stays_away_is_undetermined(bench: Bench) -> None:
    await bench.start_apart()
    printer = await bench.driver(settle_s="0.3")
    before = await printer.snapshot()
    await bench.fault("power_cut")
    result = await printer.determine("J-1", before)
    assert (result.outcome, result.after) == (Outcome.UNDETERMINED, None)
    with pytest.raises(DeviceError, match="check that the printer is on"):
        await printer.snapshot()


async def test_clear_cancels_what_waits(bench: Bench) -> None:
    await bench.start(hopper=0)
    printer = await bench.driver()
    task = asyncio.create_task(printer.print(job(), await printer.snapshot(), free, silent))
    while not bench.body()["jobs"]:
        await asyncio.sleep(0.02)
    await (await bench.driver()).clear()
    assert (await task).outcome is Outcome.NOT_PRINTED
