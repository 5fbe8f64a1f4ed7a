"""The agency's files: what they say, and what is said of them when they are wrong."""

from __future__ import annotations

import re
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from issuer.profile import CalendarEnds, Profile, ProfileError, UnknownCode, load_profile
from issuer.profile.lines import lines_of

ROOT = Path(__file__).parents[3]
BOLIVIA = ROOT / "issuer" / "profiles" / "bolivia"
UTOPIA = ROOT / "tests" / "profiles" / "utopia"


@pytest.fixture(scope="module")
def bolivia() -> Profile:
    return load_profile(BOLIVIA)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(UTOPIA, tmp_path / "utopia")
    return tmp_path / "utopia"


def change(directory: Path, name: str, old: str, new: str) -> int:
    """Changes one place of a file; gives its line."""
    path = directory / name
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{old!r} is not in {name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def problems(directory: Path) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        load_profile(directory)
    return [str(finding) for finding in caught.value.findings]


def test_bolivia_has_the_documents_of_the_report(bolivia: Profile) -> None:
    assert set(bolivia.documents) == {"CI", "LIC", "LCC", "PIC", "CIE", "CERTQR"}
    assert bolivia.authority == "BO-SEGIP"
    assert (bolivia.country, bolivia.language) == ("BOL", "spa")
    card = bolivia.document("CI")
    assert (card.produces, card.laminated, card.blank_material) == ("form", True, "CI-PAPELETA")
    assert [(line.material, line.quantity) for line in card.bill] == [
        ("CI-PAPELETA", 1),
        ("POUCH", 1),
    ]
    assert card.prices[-1].amount == Decimal("17.00")
    licence = bolivia.document("LIC")
    assert {c.code for c in licence.categories} == set("PABCMT")
    assert {line.material for line in licence.bill} == {
        "PVC-LIC",
        "RIBBON",
        "RETRANSFER",
        "DURAGARD",
    }
    assert bolivia.document("LCC").prices[-1].amount == Decimal("50.00")


def test_a_certificate_is_a_file_and_uses_nothing_up(bolivia: Profile) -> None:
    certificate = bolivia.document("CERTQR")
    assert certificate.produces == "file"
    assert certificate.bill == ()
    assert certificate.blank_material is None


def test_every_face_file_of_bolivia_is_there(bolivia: Profile) -> None:
    for document in bolivia.documents.values():
        for face in document.faces:
            assert face is None or face.is_file()


def test_bolivias_offices_are_those_that_the_report_names(bolivia: Profile) -> None:
    kinds = [office.kind for office in bolivia.offices.values()]
    # 39 of 58 fixed offices are named (one of them stands among the semi-permanent ones).
    assert kinds.count("fixed") == 39
    assert kinds.count("brigade") == 28
    assert kinds.count("abroad") == 6
    assert bolivia.office("CH-01").department == "CH"


def test_what_the_sources_leave_open_is_marked(bolivia: Profile) -> None:
    assert all(rule.assumed for rule in bolivia.document("LIC").validity)
    assert not bolivia.document("CIE").validity[0].assumed
    assert bolivia.materials["PVC-LIC"].assumed
    assert [code for code, form in bolivia.forms.items() if not form.assumed] == ["AV-2"]


def test_every_licence_category_and_day_since_2020_has_a_rule(bolivia: Profile) -> None:
    licence = bolivia.document("LIC")
    for category in licence.categories:
        rules = [r for r in licence.validity if category.code in r.categories]
        assert sum(rule.covers(date(2026, 11, 20)) for rule in rules) == 1


def test_holidays_belong_to_departments(bolivia: Profile) -> None:
    november = (date(2026, 11, 1), date(2026, 11, 30))
    assert bolivia.holidays("PT", *november) == {date(2026, 11, 2), date(2026, 11, 10)}
    assert bolivia.holidays("BN", *november) == {date(2026, 11, 2), date(2026, 11, 18)}
    assert bolivia.holidays("CH", *november) == {date(2026, 11, 2)}
    assert date(2026, 2, 17) in bolivia.holidays("LP", date(2026, 2, 1), date(2026, 2, 28))


def test_a_calendar_that_ends_says_so(bolivia: Profile) -> None:
    with pytest.raises(CalendarEnds, match=r"departments\.toml"):
        bolivia.holidays("PT", date(2028, 12, 1), date(2029, 1, 1))


def test_unknown_codes_name_the_known_ones(bolivia: Profile) -> None:
    with pytest.raises(UnknownCode, match="CERTQR, CI"):
        bolivia.document("PASSPORT")
    with pytest.raises(UnknownCode):
        bolivia.office("XX-99")
    with pytest.raises(UnknownCode):
        bolivia.material("GOLD")


def test_another_agency_is_files_alone() -> None:
    utopia = load_profile(UTOPIA)
    assert list(utopia.documents) == ["SEA"]
    assert utopia.authority == "UT-REGISTRO"
    assert not utopia.material("SEAMAN-CARD").serialised


WRONG = [
    ("documents/sea.toml", 'material = "RIBBON-MONO"', 'material = "GOLD"', "not in materials"),
    ("documents/sea.toml", 'unit = "print"', 'unit = "piece"', "counted by print"),
    ("documents/sea.toml", 'prefix = "S"', 'prefix = "SE"', "one capital letter"),
    ("documents/sea.toml", "faces/sea-front.toml", "faces/none.toml", "face file"),
    ("documents/sea.toml", 'produces = "card"', 'produces = "coin"', "one of card, form, file"),
    ("documents/sea.toml", "portrait = false", "portrait = 0", "true or false"),
    ("documents/sea.toml", 'lists = ["DESERTERS"]', 'lists = ["PIRATES"]', "'PIRATES'"),
    ("documents/sea.toml", 'fields = ["extra.ship"]', 'fields = ["extra.hat"]', "'extra.hat'"),
    ("documents/sea.toml", "portrait = false", "potrait = false", "unknown key 'potrait'"),
    ("documents/sea.toml", "valid_to = 2026-06-30", "valid_to = 2026-07-15", "overlaps"),
    ("documents/sea.toml", "valid_to = 2026-06-30", "valid_to = 2026-05-31", "no row covers"),
    ("documents/sea.toml", "valid_to = 2026-06-30", "", "overlaps"),
    ("documents/sea.toml", 'amount = "4.25"', "amount = 4.25", "amount in quotes"),
    ("documents/sea.toml", 'amount = "4.25"', 'amount = "4.255"', "two decimals"),
    ("documents/sea.toml", 'categories = ["ENGINE"]', 'categories = ["SAIL"]', "'SAIL'"),
    ("documents/sea.toml", "years = 4", "years = 0", "at least 1"),
    ("documents/sea.toml", 'blank_material = "SEAMAN-CARD"', "", "blank_material is missing"),
    ("materials.toml", 'code = "RIBBON-MONO"', 'code = "SEAMAN-CARD"', "stands twice"),
    ("materials.toml", 'source = "statute 7"', "", "source is missing"),
    ("offices.toml", 'department = "AMAUROT"', 'department = "ATLANTIS"', "'ATLANTIS'"),
    ("departments.toml", 'every = "07-01"', 'every = "02-30"', "month and day"),
    ("agency.toml", 'country = "UTO"', 'country = "Utopia"', "three capital letters"),
    ("agency.toml", "Atlantic/Azores", "Atlantic/Atlantis", "not known"),
    ("agency.toml", "U[0-9]{6}", "U[0-9{6}", "regular expression"),
    ("fields.toml", 'name = "extra.ship"', 'name = "ship"', "extra.<name>"),
]


@pytest.mark.parametrize(("name", "old", "new", "word"), WRONG)
def test_a_wrong_file_is_named_with_its_line(
    copy: Path, name: str, old: str, new: str, word: str
) -> None:
    line = change(copy, name, old, new)
    found = problems(copy)
    mine = [text for text in found if word in text]
    assert mine, found
    # A key that is missing is reported at its table; everything else at its own line. A table
    # of dated rules is reported at the later row.
    if new and not re.search("overlaps|no row covers", word):
        assert f"{name}:{line}: " in mine[0]
    else:
        assert re.match(rf"{re.escape(name)}:\d+: ", mine[0])


def test_all_problems_are_told_at_once(copy: Path) -> None:
    change(copy, "agency.toml", 'country = "UTO"', 'country = "Utopia"')
    change(copy, "documents/sea.toml", 'prefix = "S"', 'prefix = "7"')
    change(copy, "materials.toml", "capacity = 1000", "capacity = -1")
    files = {text.split(":")[0] for text in problems(copy)}
    assert files == {"agency.toml", "documents/sea.toml", "materials.toml"}


def test_two_documents_do_not_share_a_code_or_a_prefix(copy: Path) -> None:
    shutil.copy(copy / "documents/sea.toml", copy / "documents/second.toml")
    found = "\n".join(problems(copy))
    assert "second.toml:1: code 'SEA' belongs to another document" in found
    assert "second.toml:4: prefix 'S' is used by SEA" in found


def test_broken_syntax_and_missing_files_are_one_problem_each(copy: Path) -> None:
    line = change(copy, "agency.toml", 'code = "REGISTRO"', 'code = "REGISTRO')
    (copy / "lists.toml").unlink()
    found = problems(copy)
    assert any(text.startswith(f"agency.toml:{line}: is not TOML") for text in found)
    assert any(text.startswith("lists.toml:1: cannot be read") for text in found)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="does not exist"):
        load_profile(tmp_path / "nowhere")


def test_lines_of_keys_in_every_shape_of_toml() -> None:
    text = "\n".join(
        [
            "# [[not.a.header]] = 1",
            'top = "a # [b"',
            "list = [",
            '  { code = "x]" }, # ] {',
            "",
            '  { code = "y" },',
            "]",
            'long = """',
            "fake = 1",
            '"""',
            '"quoted key" = 2',
            "[room]",
            "here = 1",
            "[[room.row]]",
            "a = 1",
            "[[room.row]]",
            "a = [1,",
            "  2]",
            "[room.row.deep]",
            "b = 2",
        ]
    )
    _, lines = lines_of(text)
    assert lines.line(("top",)) == 2
    assert lines.line(("list", 0)) == 4
    assert lines.line(("list", 1, "code")) == 6
    assert lines.line(("long",)) == 8
    assert lines.line(("fake",)) == 1  # inside a string: no key
    assert lines.line(("quoted key",)) == 11
    assert lines.line(("room", "here")) == 13
    assert lines.line(("room", "row", 0, "a")) == 15
    assert lines.line(("room", "row", 1)) == 16
    assert lines.line(("room", "row", 1, "a", 1)) == 18
    assert lines.line(("room", "row", 1, "deep", "b")) == 20
