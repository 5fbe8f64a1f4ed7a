"""The command: exit codes, one line of JSON a file, personal data only on request."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vectors import house
from verifier.cli import main

AT = ["--at", "2026-06-15T12:00:00Z"]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    house.write_trust(tmp_path / "trust")
    (tmp_path / "good.txt").write_text(house.qr(house.claims()) + "\n")
    (tmp_path / "bad.txt").write_text(house.qr(house.claims(), house.CI))
    old = house.claims(status=house.StatusRef(5, house.OLD_STATUS_URI))
    (tmp_path / "old.txt").write_text(house.qr(old))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FEDATARIO_TRUST", raising=False)
    return tmp_path


def test_all_valid_is_zero(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*AT, "good.txt", "good.txt"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["state"] for line in lines] == ["valid", "valid"]
    assert lines[0]["file"] == "good.txt"
    assert "claims" not in lines[0]


def test_one_that_is_not_is_one(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*AT, "good.txt", "bad.txt", "missing.txt"]) == 1
    states = [json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()]
    assert states == ["valid", "issuer_unknown", "unreadable"]


def test_old_lists_are_not_valid_unless_allowed(base: Path) -> None:
    assert main([*AT, "old.txt"]) == 1
    assert main([*AT, "--allow-old-lists", "old.txt"]) == 0
    assert main([*AT, "--max-list-age", "0.01", "good.txt"]) == 1


def test_no_trust_is_two(
    base: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([*AT, "--trust", "nowhere", "good.txt"]) == 2
    err = capsys.readouterr().err
    assert "root.pem" in err
    assert "Fetch" in err
    monkeypatch.setenv("FEDATARIO_TRUST", str(base / "elsewhere"))
    assert main([*AT, "good.txt"]) == 2
    monkeypatch.setenv("FEDATARIO_TRUST", str(base / "trust"))
    monkeypatch.chdir("/")
    assert main([*AT, str(base / "good.txt")]) == 0


def test_text_for_people_and_claims_on_request(
    base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*AT, "--text", "good.txt"]) == 0
    out = capsys.readouterr().out
    assert "Documento válido." in out
    assert "Valid document." in out
    assert house.claims().full_name not in out
    assert main([*AT, "--claims", "good.txt"]) == 0
    shown = json.loads(capsys.readouterr().out)["claims"]
    assert shown["full_name"] == house.claims().full_name
    assert shown["blank_serial"] == "P00004711"


@pytest.mark.parametrize("wrong", [["--at", "yesterday"], ["--max-list-age", "-1"], []])
def test_wrong_arguments_teach(
    wrong: list[str], base: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*wrong, "good.txt"] if wrong else [])
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    for word in ("FEDATARIO_TRUST", "exit codes", "examples", "Nothing leaves this machine"):
        assert word in out


def test_as_a_process_from_standard_input(base: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "verifier", *AT, "--text", "-"],
        input=(base / "good.txt").read_bytes(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"},
        check=False,
        timeout=60,
    )
    assert found.returncode == 0, found.stderr
    assert b"Valid document." in found.stdout  # a terminal without our signs still gets words
