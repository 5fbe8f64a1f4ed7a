"""The driver against a simulated machine over real wires: what is printed, and what is told."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
import segno
import zxingcpp
from PIL import Image

from printers.ports import DeviceError, Outcome, PrintJob, Side
from tests.sim.evolis_bench import SERIALS, body, cards, driver, go, job, machine, quiet, run, side

WIRES = ["tcp", "pty"]


def listen(wire: str, tmp_path: Path) -> str:
    return "tcp://127.0.0.1:0" if wire == "tcp" else f"pty://{tmp_path}/line"


def qr_side(canvas: tuple[int, int], text: str) -> Side:
    black = np.full((canvas[1], canvas[0]), 255, np.uint8)
    modules = np.array(list(segno.make(text, error="m", micro=False).matrix), np.uint8)
    scale = 3 * canvas[0] // 1016
    dots = np.kron(modules, np.ones((scale, scale), np.uint8))
    black[60 : 60 + len(dots), 40 : 40 + len(dots)][dots == 1] = 0
    return Side(Image.new("RGB", (1016, 648), "white"), Image.fromarray(black))


@pytest.mark.parametrize("wire", WIRES)
async def test_a_card_is_printed_on_both_sides(wire: str, tmp_path: Path) -> None:
    out = tmp_path / "m"
    seen: list[tuple[str, float]] = []
    async with machine(out, listen=listen(wire, tmp_path)) as bench, driver(bench.url) as printer:
        before = await printer.snapshot()
        result = await printer.print(job(), before, go, lambda *step: seen.append(step))
        assert result.outcome is Outcome.PRINTED
        assert result.after is not None
        assert result.after.counters["completed"] == before.counters["completed"] + 1
        assert result.after.supplies[0].remaining == before.supplies[0].remaining - 1
        assert (await printer.determine("job-1", before)).outcome is Outcome.PRINTED
    assert cards(out)[0] | {"at": ""} == {
        "serial": SERIALS[0],
        "tray": "output",
        "at": "",
        "inked": True,
        "panels": {"front": list("ymcko"), "back": list("ymcko")},
    }
    assert (body(out)["laid"], body(out)["hopper"]) == (1, SERIALS[1:])
    assert body(out)["settings"]["Pem"] == "2"
    shares = [share for phase, share in seen if phase == "sending"]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


async def test_what_was_sent_is_what_lies_in_the_tray(tmp_path: Path) -> None:
    out = tmp_path / "m"
    work = job()
    async with machine(out) as bench, driver(bench.url) as printer:
        await run(printer, work)
    for name, sent in (("front", work.front), ("back", work.back)):
        assert sent is not None
        laid = np.asarray(Image.open(out / "cards/000001" / f"{name}.png"))
        expected = np.asarray(sent.colour).copy()
        expected[np.asarray(sent.black) == 0] = 0
        rows = slice(130, None) if name == "back" else slice(None)  # above: the preprinted serial
        assert np.array_equal(laid[rows], expected[rows])


@pytest.mark.parametrize("model", ["evolis-primacy2", "evolis-agilia"])
async def test_qr_and_preprinted_serial_are_exact_on_the_card(model: str, tmp_path: Path) -> None:
    out = tmp_path / "m"
    async with machine(out, model) as bench, driver(bench.url, model) as printer:
        back = qr_side(printer.canvas, "FEDATARIO:" + "A7" * 150)
        _, result = await run(printer, PrintJob("j", side(printer.canvas), back))
        assert result.outcome is Outcome.PRINTED
        canvas = printer.canvas
    laid = Image.open(out / "cards/000001/back.png")
    assert laid.size == canvas
    grey = np.asarray(laid.convert("L"))
    area = (slice(0, None), slice(0, canvas[0] // 2))  # the serial is in the right half
    assert np.array_equal(grey[area], np.asarray(back.black)[area])
    found = {code.format.name: code.text for code in zxingcpp.read_barcodes(laid)}
    assert sorted(found.values()) == sorted(["FEDATARIO:" + "A7" * 150, SERIALS[0]])


async def test_a_retransfer_model_uses_all_its_rolls(tmp_path: Path) -> None:
    async with (
        machine(tmp_path, "evolis-agilia") as bench,
        driver(bench.url, "evolis-agilia") as printer,
    ):
        before, result = await run(printer)
        assert result.after is not None
        rolls = {item.material: item.remaining for item in before.supplies}
        left = {item.material: item.remaining for item in result.after.supplies}
        assert set(rolls) == {"RIBBON", "RETRANSFER", "DURAGARD"}
        assert {name: rolls[name] - left[name] for name in rolls} == dict.fromkeys(rolls, 1)


async def test_cards_follow_each_other_in_the_hopper_s_order(tmp_path: Path) -> None:
    async with machine(tmp_path) as bench, driver(bench.url) as printer:
        for _ in range(3):
            _, result = await run(printer, PrintJob("j", front=side()))
            assert result.outcome is Outcome.PRINTED
    assert [card["serial"] for card in cards(tmp_path)] == SERIALS[:3]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("cover_open", "cover_open"),
        ("hopper_empty", "hopper_empty"),
        ("reject_full", "reject_full"),
    ],
)
async def test_a_machine_that_is_not_ready_takes_no_card(
    fault: str, code: str, tmp_path: Path
) -> None:
    async with machine(tmp_path) as bench, driver(bench.url) as printer:
        await bench.control({"do": "fault", "name": fault})
        before, result = await run(printer)
        assert (result.outcome, result.blank_at) == (Outcome.NOT_PRINTED, "hopper")
        assert code in [item.code for item in before.conditions]
        assert result.reason_es
        await bench.control({"do": "take_reject"})
        await bench.control({"do": "mend"})
        assert (await run(printer))[1].outcome is Outcome.PRINTED
    assert [card["serial"] for card in cards(tmp_path)] == [SERIALS[0]]


@pytest.mark.parametrize(
    ("fault", "code", "model"),
    [
        ("jam", "jam", "evolis-primacy2"),
        ("ribbon_ended", "interrupted_ribbon", "evolis-primacy2"),
        ("film_ended", "interrupted_film", "evolis-agilia"),
    ],
)
async def test_a_card_that_stops_inside_is_undetermined_and_cleared(
    fault: str, code: str, model: str, tmp_path: Path
) -> None:
    async with machine(tmp_path, model) as bench, driver(bench.url, model) as printer:
        await bench.control({"do": "fault", "name": fault})
        before, result = await run(printer)
        assert (result.outcome, result.blank_at) == (Outcome.UNDETERMINED, "inside")
        assert result.after is not None
        assert code in [item.code for item in result.after.conditions]
        again = await run(printer)
        assert again[1].outcome is Outcome.NOT_PRINTED, "a card inside: nothing may start"
        await bench.control({"do": "mend"})
        await printer.clear()
        settled = await printer.determine("job-1", before)
        assert (settled.outcome, settled.blank_at) == (Outcome.UNDETERMINED, "rejected")
        assert (await run(printer))[1].outcome is Outcome.PRINTED
    assert [(card["serial"], card["tray"]) for card in cards(tmp_path)] == [
        (SERIALS[0], "reject"),
        (SERIALS[1], "output"),
    ]
    assert cards(tmp_path)[0]["inked"] == (fault != "film_ended")


async def test_a_cover_opened_in_mid_card_interrupts(tmp_path: Path) -> None:
    async with machine(tmp_path, seconds=1) as bench, driver(bench.url) as printer:
        printing = asyncio.create_task(run(printer))
        while not bench.machine.state["laid"]:
            await asyncio.sleep(0.01)
        await bench.control({"do": "fault", "name": "cover_open"})
        _, result = await printing
        assert (result.outcome, result.blank_at) == (Outcome.UNDETERMINED, "inside")
        with pytest.raises(DeviceError, match="close it"):  # no motor turns with an open cover
            await printer.clear()
        await bench.control({"do": "mend"})
        await printer.clear()
    assert body(tmp_path)["laid"] == 1


async def test_a_misfeed_prints_the_wrong_blank_and_no_counter_tells(tmp_path: Path) -> None:
    async with machine(tmp_path) as bench, driver(bench.url) as printer:
        await bench.control({"do": "fault", "name": "misfeed"})
        _, result = await run(printer)
        assert result.outcome is Outcome.PRINTED  # inspection finds it: the serials disagree
    assert [(card["serial"], card["inked"]) for card in cards(tmp_path)] == [
        (SERIALS[0], False),
        (SERIALS[1], True),
    ]
    assert (body(tmp_path)["counters"]["inserted"], body(tmp_path)["laid"]) == (1, 1)


async def test_a_refused_frame_before_the_card_is_not_printed(tmp_path: Path) -> None:
    async with machine(tmp_path) as bench, driver(bench.url) as printer:
        await bench.control({"do": "fault", "name": "nack"})
        _, result = await run(printer)
        assert (result.outcome, result.blank_at) == (Outcome.NOT_PRINTED, "hopper")
        assert (await run(printer))[1].outcome is Outcome.PRINTED
    assert body(tmp_path)["laid"] == 1


async def test_counters_that_moved_since_the_journal_stop_the_job(tmp_path: Path) -> None:
    async with machine(tmp_path) as bench, driver(bench.url) as printer:
        before, _ = await run(printer)
        result = await printer.print(job(), before, go, quiet)
        assert (result.outcome, result.blank_at) == (Outcome.UNDETERMINED, "unknown")
    assert body(tmp_path)["laid"] == 1


async def test_a_job_that_cannot_be_split_is_refused_unsent(tmp_path: Path) -> None:
    async with machine(tmp_path) as bench, driver(bench.url) as printer:
        before = await printer.snapshot()
        with pytest.raises(ValueError, match="black layer"):
            await printer.print(PrintJob("j", side((508, 324))), before, go, quiet)
        with pytest.raises(ValueError, match="front or a back"):
            await printer.print(PrintJob("j"), before, go, quiet)
        assert (await printer.snapshot()).counters == before.counters


async def test_another_model_than_configured_is_refused(tmp_path: Path) -> None:
    async with machine(tmp_path, "evolis-agilia") as bench:
        with pytest.raises(DeviceError, match="configured as Evolis Primacy 2"):
            async with driver(bench.url):
                pass


async def test_a_device_that_is_no_evolis_is_told(tmp_path: Path) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            writer.write(b"OK\r")
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(DeviceError, match="is it an Evolis"):
            async with driver(f"tcp://127.0.0.1:{port}"):
                pass
