"""The proof command: pictures for good faces, a clear line and exit code 1 for wrong ones."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from layouts.preview import main
from tests.unit.layouts.conftest import FACES


def test_proofs_of_every_face(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faces, tmp_path = tmp_path / "faces", tmp_path / "out"
    faces.mkdir()
    for name in ("LIC-front.toml", "LIC-back.toml", "PIC.typ"):
        shutil.copy(FACES / name, faces)
    assert main([str(faces), str(tmp_path), "--person", "accents"]) == 0
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()}
    assert {"sheet-accents.png", "PIC-accents.png"} < {path.name for path in written}
    with Image.open(tmp_path / "LIC-front-accents.png") as picture:
        assert picture.size == (1011, 638)
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 1000


def test_a_directory_without_faces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), str(tmp_path / "out")]) == 1
    assert "no face files" in capsys.readouterr().err
