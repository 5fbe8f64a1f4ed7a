"""The sample day: what it holds, and that admission decides it as expected.csv says."""

from __future__ import annotations

import csv
import io
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from issuer.admission import Admitted, admit
from issuer.applications import Application, read_applications
from issuer.domain import Reason
from issuer.outside import Outside, gather_facts, load_outside
from issuer.payments import CsvPayments
from issuer.profile import Profile, load_profile
from issuer.registry import CsvRegistry, PriorDocument
from issuer.tables import TableError
from layouts.portrait import PortraitError, prepare
from samples.generate import build, portrait, portrait_name, write_tables

ROOT = Path(__file__).parents[3]
DAY = ROOT / "samples" / "day"
APPLICATIONS = [a for a in read_applications(DAY / "requests.jsonl") if isinstance(a, Application)]
with (DAY / "expected.csv").open(encoding="utf-8") as stream:
    EXPECTED = {row["request_id"]: row for row in csv.DictReader(stream)}
TODAY: date = tomllib.loads((DAY / "day.toml").read_text(encoding="utf-8"))["date"]


@pytest.fixture(scope="module")
def bolivia() -> Profile:
    return load_profile(ROOT / "issuer" / "profiles" / "bolivia")


@pytest.fixture(scope="module")
def outside(bolivia: Profile) -> Outside:
    return load_outside(DAY, bolivia)


def portrait_problem(application: Application) -> Reason | None:
    """What intake finds."""
    assert application.portrait is not None
    try:
        prepare((DAY / application.portrait).read_bytes())
    except PortraitError as error:
        return Reason(error.code, error.es, error.en)
    return None


@pytest.mark.parametrize("application", APPLICATIONS, ids=lambda a: a.request_id)
async def test_admission_decides_as_expected(
    application: Application, bolivia: Profile, outside: Outside
) -> None:
    facts = await gather_facts(
        application, outside, bolivia, portrait_problem=portrait_problem(application)
    )
    found = admit(application, facts, bolivia, TODAY)
    expected = EXPECTED[application.request_id]
    if isinstance(found, Admitted):
        assert expected["outcome"] == "admitted"
        assert (str(found.due), str(found.valid_until)) == (
            expected["due"],
            expected["valid_until"],
        )
    else:
        codes = ";".join(reason.code for reason in found.reasons)
        assert (expected["outcome"], expected["reasons"]) == ("refused", codes)


def test_every_request_has_an_expectation() -> None:
    assert [a.request_id for a in APPLICATIONS] == list(EXPECTED)


def test_the_day_holds_what_it_promises() -> None:
    assert len(APPLICATIONS) >= 60
    kinds = Counter(a.kind for a in APPLICATIONS if a.document_type == "CI")
    share = {kind: count / kinds.total() for kind, count in kinds.items()}
    # district_brigades_2020.csv: 84.6 % replacements, 14.5 % new, 0.8 % renewals
    assert share["replacement"] == pytest.approx(0.846, abs=0.03)
    assert share["new"] == pytest.approx(0.145, abs=0.03)
    assert 0 < share["renewal"] < 0.03
    good = [a for a in APPLICATIONS if EXPECTED[a.request_id]["outcome"] == "admitted"]
    assert {c.code for a in good for c in a.categories} == set("PABCMT")
    assert {a.document_type for a in good} == {"CI", "LIC", "LCC", "PIC", "CIE", "CERTQR"}
    names = "".join(a.person.full_name for a in good)
    for sign in ("ñ", "á", "ü", "'", "’", "g\u0303", "\u1ef9"):
        assert sign in names
    assert any(a.person.surname2 is None for a in good)
    assert any(a.person.person_id == "1234567-1A" for a in good)


def test_every_hard_case_is_in_the_readme() -> None:
    text = (ROOT / "samples" / "README.md").read_text(encoding="utf-8")
    for row in EXPECTED.values():
        if row["note"]:
            line = next(li for li in text.splitlines() if li.startswith(f"| {row['request_id']} "))
            assert row["note"] in line
            assert all(code in line for code in row["reasons"].split(";"))
            assert row["valid_until"] in line


def test_the_committed_tables_are_what_the_generator_writes(tmp_path: Path) -> None:
    write_tables(build(), tmp_path)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert len(written) == 8
    for name in written:
        assert (tmp_path / name).read_bytes() == (DAY / name).read_bytes(), name


def test_portraits_are_deterministic_varied_and_small() -> None:
    cases = build()
    files = {path.name for path in (DAY / "portraits").iterdir()}
    assert files == {Path(portrait_name(case)).name for case in cases}
    assert sum(path.stat().st_size for path in (DAY / "portraits").iterdir()) < 3_000_000
    # Compared as pictures: another build of an encoder may pick other bytes for the same pixels.
    for style in ("jpeg", "rotated6"):
        case = next(case for case in cases if case.portrait == style)
        pair = ((DAY / portrait_name(case)).read_bytes(), portrait(case))
        one, other = (np.asarray(Image.open(io.BytesIO(data)), dtype=int) for data in pair)
        assert np.abs(one - other).mean() < 0.5


def test_portraits_stand_upright_at_a_useful_size_in_many_forms() -> None:
    forms = set()
    for application in APPLICATIONS:
        assert application.portrait is not None
        with Image.open(DAY / application.portrait) as picture:
            turn = picture.getexif().get(0x0112, 1)
            forms.add((picture.format, picture.mode, turn))
            upright = picture.size[::-1] if turn in (6, 8) else picture.size
            assert upright == (480, 640)
    for form in (("JPEG", "RGB", 1), ("JPEG", "RGB", 6), ("JPEG", "RGB", 8), ("JPEG", "RGB", 3)):
        assert form in forms
    assert {("JPEG", "L", 1), ("JPEG", "CMYK", 1), ("PNG", "RGBA", 1), ("WEBP", "RGB", 1)} <= forms


async def test_the_houses_own_knowledge_outweighs_the_registrys(
    bolivia: Profile, outside: Outside
) -> None:
    application = next(a for a in APPLICATIONS if a.request_id == "H-010")
    own = PriorDocument("C90000210", "CI", date(2022, 5, 10), date(2032, 5, 10), "suspended")
    facts = await gather_facts(application, outside, bolivia, own_prior=[own])
    states = {prior.number: prior.state for prior in facts.prior}
    assert states == {"C90000210": "suspended", "C90000211": "valid"}


REGISTRY = "person_id,surname1,surname2,given_names,birth_date,consolidated,observations,prior\n"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("person_id\n1\n", "r.csv:1: the columns must be"),
        (REGISTRY + "1,A,,B,1990-13-01,yes,,\n", "r.csv:2: birth_date must be a date"),
        (REGISTRY + "1,A,,B,1990-01-01,si,,\n", "r.csv:2: consolidated must be yes or no"),
        (REGISTRY + "1,A,,B,1990-01-01,yes,,C1/CI\n", "r.csv:2: prior must be"),
        (REGISTRY + "1,A,,B,1990-01-01,yes,,\n" * 2, "r.csv:3: person_id stands twice"),
        (REGISTRY + "1,A\n", "r.csv:2: has 2 cells"),
        (REGISTRY + '"1,A\n', "r.csv:2: is not CSV"),
    ],
)
def test_a_wrong_registry_file_is_named_with_its_line(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "r.csv").write_text(text, encoding="utf-8")
    with pytest.raises(TableError, match=word.replace(".", r"\.")):
        CsvRegistry.load(tmp_path / "r.csv")


def test_a_missing_list_is_not_an_empty_list(tmp_path: Path, bolivia: Profile) -> None:
    (tmp_path / "registry.csv").write_text(REGISTRY, encoding="utf-8")
    head = "slip,amount,paid_on,person_id,document_type,used_by\n"
    (tmp_path / "payments.csv").write_text(head, encoding="utf-8")
    with pytest.raises(TableError, match=r"blacklist\.csv: cannot be read"):
        load_outside(tmp_path, bolivia)


async def test_money_of_a_slip_is_exact(tmp_path: Path) -> None:
    head = "slip,amount,paid_on,person_id,document_type,used_by\n"
    path = tmp_path / "payments.csv"
    path.write_text(head + "B-1,17,2026-11-19,,,\n", encoding="utf-8")
    paid = await CsvPayments.load(path).find("B-1")
    assert paid is not None
    assert str(paid.amount) == "17.00"
    path.write_text(head + "B-1,NaN,2026-11-19,,,\n", encoding="utf-8")
    with pytest.raises(TableError, match="zero or more"):
        CsvPayments.load(path)
