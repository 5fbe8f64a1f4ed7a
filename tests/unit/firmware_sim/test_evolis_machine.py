"""The simulated firmware alone: its way back from panels, and hosts that send rubbish."""

import asyncio
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from firmware_sim.body import Body
from firmware_sim.evolis_card import blank_side, ink_plane, lay
from firmware_sim.evolis_faults import ALL, Faults
from firmware_sim.evolis_host import Host
from firmware_sim.evolis_machine import Machine, fresh_state
from printers.codecs.evolis import Frame, FrameParser, compress
from printers.codecs.evolis_models import MODELS
from printers.codecs.evolis_replies import READ_STATUS, Refusal
from printers.codecs.evolis_status import Status
from tests.sim.evolis_bench import body as on_disk
from tests.sim.evolis_bench import cards

MODEL = MODELS["evolis-primacy2"]


def host(out: Path, hopper: list[str]) -> Host:
    body = Body.open(out, fresh_state(MODEL, "SN1", hopper))
    return Host(Machine(MODEL, body, Faults(), 0.0))


def test_corners_of_a_panel_by_hand() -> None:
    # Guide A5013: row x, column 647 − y. Row 0, column 0 is the card's bottom left corner.
    raw = bytearray(658_368)
    raw[0] = 11  # bottom left
    raw[647] = 22  # top left
    raw[1015 * 648] = 33  # bottom right
    raw[1015 * 648 + 647] = 44  # top right
    plane = ink_plane(bytes(raw), (1016, 648))
    assert plane.shape == (648, 1016)
    corners = [plane[647, 0], plane[0, 0], plane[647, 1015], plane[0, 1015]]
    assert corners == [11, 22, 33, 44]


def test_inks_multiply_on_what_is_there() -> None:
    blank = Image.new("RGB", (1016, 648), (255, 255, 255))
    blank.putpixel((0, 647), (100, 100, 100))
    cyan = bytes([255]) + bytes(658_367)
    black = bytes([0b01000000]) + bytes(82_295)
    picture = lay(blank, {"c": cyan, "k": black, "o": b"\xff" * 82_296})
    assert picture.getpixel((0, 647)) == (0, 100, 100)
    assert picture.getpixel((0, 646)) == (0, 0, 0)
    assert picture.getpixel((0, 645)) == (255, 255, 255)


def test_the_serial_is_on_the_back_alone() -> None:
    assert blank_side("A-1", "front", (1016, 648)).getextrema() == ((255, 255),) * 3
    back = blank_side("A-1", "back", (2032, 1296))
    assert back.size == (2032, 1296)
    assert back.getextrema() == ((0, 255),) * 3


async def answers(machine: Host, stream: bytes) -> list[str]:
    found = []
    for item in FrameParser().feed(stream):
        reply = await machine.answer(item)
        found.append(reply.value or (reply.refusal.value if reply.refusal else "ok"))
    return found


async def test_a_job_by_hand_in_compressed_black(tmp_path: Path) -> None:
    machine = host(tmp_path, ["A-1"])
    plane = b"\x80" + bytes(82_295)
    packed = compress(plane)
    head = f"\x1bDbc;k;1016;{len(packed)};".encode()
    stream = b"\x1bPr;ymcko\r\x1bSs\r\x1bSr\r" + head + packed + b"\r\x1bSe\r\x1bScs\r\x1bRco;c\r"
    assert await answers(machine, stream) == ["ok"] * 6 + ["1"]
    await machine.close()
    assert cards(tmp_path)[0]["panels"] == {"front": ["k"]}
    front = np.asarray(Image.open(tmp_path / "cards/000001/front.png"))
    assert [tuple(front[647, 0]), tuple(front[0, 0])] == [(0, 0, 0), (255, 255, 255)]


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        (b"\x1bXyz\r", Refusal.COMMAND),
        (b"\x1bPr;k\r", Refusal.PARAMETER),
        (b"\x1bPem;9\r", Refusal.PARAMETER),
        (b"\x1bSs\r", Refusal.PARAMETER),
        (b"\x1bSr\r", Refusal.PARAMETER),
        (b"\x1bSe\r", Refusal.PARAMETER),
        (b"\x1bDb;k;2;" + bytes(82_296) + b"\r", Refusal.PARAMETER),
        (b"\x1bDb;q;256;" + bytes(658_368) + b"\r", Refusal.PARAMETER),
        (b"\x1bDbc;k;1016;1016;" + b"\x60" * 1016 + b"\r", Refusal.PARAMETER),
        (b"\x1bPr;ymcko\r\x1bSs\r\x1bSr\r", Refusal.FEEDER),
    ],
)
async def test_refusals(stream: bytes, code: Refusal, tmp_path: Path) -> None:
    machine = host(tmp_path, [])
    assert (await answers(machine, stream))[-1] == code.value


async def test_only_the_panel_before_is_printed_when_the_next_arrives(tmp_path: Path) -> None:
    machine = host(tmp_path, ["A-1"])
    panel = Frame("Db", ("k", "2"), bytes(82_296)).to_bytes()
    await answers(machine, b"\x1bPr;ymcko\r\x1bSs\r\x1bSr\r" + panel)
    await machine.close()
    assert (on_disk(tmp_path)["laid"], on_disk(tmp_path)["counters"]["panels"]) == (0, 0)
    await answers(machine, panel)
    await machine.close()
    assert (on_disk(tmp_path)["laid"], on_disk(tmp_path)["counters"]["panels"]) == (1, 1)
    await machine.host_gone()
    status = machine.machine.status()
    assert (status.card_inside, status.failed, status.busy) == (True, True, False)
    assert (await answers(machine, b"\x1bPr;ymcko\r")) == [Refusal.TIMEOUT.value]
    assert (await answers(machine, b"\x1bSrs\r\x1bPr;ymcko\r")) == ["ok", "ok"]
    assert cards(tmp_path)[0]["tray"] == "reject"


def test_faults_count_down_to_their_card() -> None:
    faults = Faults()
    faults.arm("jam", 1)
    assert not faults.strikes("jam")
    faults.card_done(1)
    assert faults.strikes("jam")
    assert not faults.strikes("jam")
    seeded = Faults(seeded=(3, 1.0))
    seeded.card_done(1)
    assert set(seeded.armed) <= set(ALL)
    assert len(seeded.armed) == 1


PIECES = [
    b"\x1b",
    b"\r",
    b";",
    b"Pr;ymcko",
    b"Ss",
    b"Sr",
    b"Sv",
    b"Se",
    b"Srs",
    b"Dbc;k;1016;1016;",
]
PIECES += [b"\x1bPr;ymcko\r\x1bSs\r\x1bSr\r", bytes(1016) + b"\r", b"\x1bRsw\r", b"<BINARY Size=3>"]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=30), max_size=25))
def test_no_host_crashes_the_machine_or_loses_a_blank(pieces: list[bytes]) -> None:
    async def play(out: Path) -> None:
        machine = host(out, ["A-1", "A-2"])
        await answers(machine, b"".join(pieces))
        await machine.host_gone()
        status = await machine.answer(READ_STATUS)
        assert Status.from_text(status.value or "") is not None
        await machine.close()
        state = machine.machine.state
        inside = [state["inside"]["serial"]] if state["inside"] else []
        found = [card["serial"] for card in cards(out)] + inside + state["hopper"]
        assert sorted(found) == ["A-1", "A-2"]
        machine.machine.body.close()

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(play(Path(directory)))
