"""The body outlives its process; hands and blanks."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from firmware_sim.blanks import draw_serial
from firmware_sim.body import Body, BodyError
from firmware_sim.cli import main
from firmware_sim.control import ControlError, ControlServer, request
from firmware_sim.options import parse_faults, read_hopper


def test_a_body_keeps_its_state_and_counts_its_boots(tmp_path: Path) -> None:
    first = Body.open(tmp_path, {"laid": 0})
    assert first.is_new
    first.state["laid"] = 7
    first.save()
    first.close()
    second = Body.open(tmp_path, {"laid": 0, "later": "added"})
    assert second.state == {"laid": 7, "later": "added", "boots": 2}
    assert not second.is_new
    second.close()


def test_one_body_one_process(tmp_path: Path) -> None:
    first = Body.open(tmp_path, {})
    with pytest.raises(BodyError, match="another simulated machine"):
        Body.open(tmp_path, {})
    first.close()


def test_a_broken_body_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text("{")
    with pytest.raises(BodyError, match=r"body\.json is no JSON"):
        Body.open(tmp_path, {})


def test_a_killed_process_leaves_a_whole_body(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from firmware_sim.body import Body\n"
        "body = Body.open(Path(sys.argv[1]), {'n': 0, 'fill': 'x' * 5000})\n"
        "while True:\n    body.state['n'] += 1; body.save(); print(body.state['n'], flush=True)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        for _ in range(20):
            told = int(child.stdout.readline())
        child.kill()
    body = Body.open(tmp_path, {})
    assert body.state["n"] >= told
    body.close()


async def test_hands_by_the_control_socket_even_under_a_long_path(tmp_path: Path) -> None:
    out = tmp_path / ("d" * 120)
    out.mkdir()

    async def handle(message: dict[str, object]) -> dict[str, object]:
        if message["do"] != "state":
            raise ControlError("only state")
        return {"state": 1}

    server = ControlServer(out, handle)
    await server.start()
    assert await asyncio.to_thread(request, out, {"do": "state"}) == {"ok": True, "state": 1}
    with pytest.raises(ControlError, match="only state"):
        await asyncio.to_thread(request, out, {"do": "jam"})
    await server.close()
    with pytest.raises(ControlError, match="no simulated machine"):
        await asyncio.to_thread(request, out, {"do": "state"})


async def test_what_is_no_request_is_told(tmp_path: Path) -> None:
    async def handle(message: dict[str, object]) -> dict[str, object]:
        return {}

    server = ControlServer(tmp_path, handle)
    await server.start()
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "control.sock"))
    for line in (b"{\n", b"[]\n", b"\xff\n"):
        writer.write(line)
        answer = json.loads(await reader.readline())
        assert answer["ok"] is False
        assert answer["error"]
    writer.close()
    await server.close()


@pytest.mark.parametrize("serial", ["PVC-LIC-0000123", "1", "CI-2026-00000042-B"])
@pytest.mark.parametrize("size", [(1016, 648), (1004, 650)])
def test_a_blank_shows_its_serial_inside_the_zone(serial: str, size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size, "white")
    draw_serial(picture, serial, 300)
    assert zxingcpp.read_barcode(picture).text == serial
    left, top, right, bottom = Image.eval(picture.convert("L"), lambda v: 255 - v).getbbox() or ()
    scale = 300 / 25.4  # zone x 50–82 mm, y 2.5–9.5 mm
    assert left >= 50 * scale
    assert right <= 82 * scale
    assert top >= 2.5 * scale
    assert bottom <= 9.5 * scale


def test_a_serial_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        draw_serial(Image.new("L", (1016, 648), 255), "SERIAL-" * 12, 300)


def test_hopper_files(tmp_path: Path) -> None:
    path = tmp_path / "hopper"
    path.write_text("# lot 7\nA-1\n\n A-2 \n")
    assert read_hopper(path) == ["A-1", "A-2"]
    assert read_hopper(None) == []
    path.write_text("A-1\nA-2\nA-1\n")
    with pytest.raises(ValueError, match=r":3: serial A-1"):
        read_hopper(path)


@pytest.mark.parametrize("text", ["7", "7:2", "x:0.5", "7:-1", ":"])
def test_seeded_faults_want_seed_and_rate(text: str) -> None:
    assert parse_faults("7:0.05") == (7, 0.05)
    assert parse_faults(None) is None
    with pytest.raises(ValueError, match="--faults wants"):
        parse_faults(text)


def test_the_command_line_teaches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["printer", "--model", "evolis-primacy2", "--out", str(tmp_path)]
    assert main([*arguments, "--listen", "tcp://0.0.0.0:0"]) == 2
    assert "127.0.0.1 only" in capsys.readouterr().err
    assert main([*arguments, "--listen", "usb://1"]) == 2
    assert "pty:///path" in capsys.readouterr().err
    assert main(["fault", "--out", str(tmp_path), "jam"]) == 2
    assert "no simulated machine answers" in capsys.readouterr().err
    assert main([*arguments[:-1], os.devnull, "--listen", "tcp://127.0.0.1:0"]) == 2
