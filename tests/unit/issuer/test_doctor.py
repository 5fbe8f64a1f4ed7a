"""``fedatario doctor``: good on a good bench; on a broken one it says the remedy and exits 1."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from issuer import doctor
from issuer.cli import main
from issuer.doctor import Check, checks, run_doctor
from issuer.profile import Profile
from issuer.trial.bench import PROJECT, open_bench, prepare_hsm, write_config

SILENT = "tcp://127.0.0.1:1"  # nobody may listen there


@pytest.fixture(scope="module")
def hsms(
    hsm_bench: Path, bolivia_profile: Profile, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A copy of the stores: the shared pool has the others open."""
    directory = tmp_path_factory.mktemp("doctor") / "hsm"
    shutil.copytree(hsm_bench, directory)
    return prepare_hsm(directory, bolivia_profile)  # corrects SoftHSM's absolute paths


def configured(tmp_path: Path, hsm_dir: Path, url: str = SILENT, more: str = "") -> Path:
    """A configuration with one licence printer."""
    path = tmp_path / "fedatario.toml"
    path.write_text(
        f'[service]\ndata_dir = "data"\noffice = "CH-01"\n{more}\n[hsm]\ndir = "{hsm_dir}"\n'
        f'[[printer]]\nname = "lic-1"\nmodel = "evolis-agilia"\nurl = "{url}"\n'
        'documents = ["LIC"]\n',
        encoding="utf-8",
    )
    return path


def graded(found: Iterator[Check], *grades: str) -> dict[str, Check]:
    return {check.what: check for check in found if check.grade in grades}


async def test_a_good_bench_has_nothing_bad(
    hsms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real stores, and real simulated machines on their wires."""
    async with open_bench(tmp_path / "bench", hsms) as bench:
        write_config(bench, port=0, store="sqlite", lease_s=10)
        path = bench.directory / "fedatario.toml"
        code = await asyncio.to_thread(main, ["doctor", "--config", str(path)])
    said = capsys.readouterr().out
    assert code == 0, said
    assert "✗" not in said
    for what in ("HSM hsm-a: up", "HSM hsm-b: up", "trust list", "store: sqlite", "QR readers"):
        assert f"✓ {what}" in said, said
    for machine in bench.machines:
        assert f"device {machine.name}" in said


def test_without_a_configuration_it_says_where_to_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--config", str(tmp_path / "no.toml")]) == 1
    said = capsys.readouterr().out
    assert "✗ configuration" in said
    assert "→ copy issuer/fedatario.example.toml" in said


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Devices are given up after half a second."""
    monkeypatch.setattr(doctor, "DEVICE_S", 0.5)


@pytest.mark.usefixtures("quick")
def test_a_printer_that_does_not_answer(hsms: Path, tmp_path: Path) -> None:
    found = graded(checks(configured(tmp_path, hsms)), "bad")
    assert list(found) == ["device lic-1"]
    assert "cable" in found["device lic-1"].remedy


@pytest.mark.usefixtures("quick")
def test_a_pin_file_that_others_can_read(
    hsms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "hsm"
    shutil.copytree(hsms, mine)
    (pin := mine / "hsm" / "hsm-b" / "pin").chmod(0o644)
    assert run_doctor(configured(tmp_path, mine)) == 1
    said = capsys.readouterr().out
    assert "✗ HSM hsm-b" in said
    assert f"chmod 0400 {pin}" in said
    assert "✗ HSM hsm-a" not in said


@pytest.mark.usefixtures("quick")
def test_a_pin_file_that_is_missing(hsms: Path, tmp_path: Path) -> None:
    mine = tmp_path / "hsm"
    shutil.copytree(hsms, mine)
    (pin := mine / "hsm" / "hsm-a" / "pin").unlink()
    found = graded(checks(configured(tmp_path, mine)), "bad")
    assert str(pin) in found["HSM hsm-a"].detail
    assert "create it with mode 0400" in found["HSM hsm-a"].detail
    assert found["HSM hsm-a"].remedy


@pytest.mark.usefixtures("quick")
def test_no_ceremony_was_held(tmp_path: Path) -> None:
    found = graded(checks(configured(tmp_path, tmp_path / "nothing")), "bad")
    for what in ("HSMs", "trust directory"):
        assert found[what].remedy == "fedatario hsm create --config FILE"


@pytest.mark.usefixtures("quick")
def test_a_profile_with_a_mistake(tmp_path: Path) -> None:
    mine = tmp_path / "agency"
    shutil.copytree(PROJECT / "issuer" / "profiles" / "bolivia", mine)
    path = mine / "documents" / "lic.toml"
    text = path.read_text(encoding="utf-8").replace('"PVC-LIC"', '"PVC-NADA"')
    path.write_text(text, encoding="utf-8")
    config = configured(tmp_path, tmp_path / "nothing", more=f'profile = "{mine}"')
    found = graded(checks(config), "bad")["profile and devices"]
    assert "lic.toml" in found.detail
    assert "PVC-NADA" in found.detail
    assert found.remedy


@pytest.mark.usefixtures("quick")
def test_an_office_that_the_profile_does_not_know(tmp_path: Path) -> None:
    path = configured(tmp_path, tmp_path / "nothing")
    path.write_text(path.read_text().replace("CH-01", "XX-99"), encoding="utf-8")
    assert "XX-99" in graded(checks(path), "bad")["profile and devices"].detail


@pytest.mark.usefixtures("quick")
def test_a_data_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file stands where the directory should")
    found = graded(checks(configured(tmp_path, tmp_path / "nothing")), "bad")
    assert "writable" in found["data directory"].remedy


@pytest.mark.usefixtures("quick")
def test_a_store_that_does_not_answer(tmp_path: Path) -> None:
    store = f'store = "postgresql://nobody@/nothing?host={tmp_path}"'
    found = graded(checks(configured(tmp_path, tmp_path / "nothing", more=store)), "bad")
    assert "database" in found["store"].remedy
