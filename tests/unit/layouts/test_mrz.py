"""TD1 against the standard's own specimens, long numbers, hard names."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layouts.errors import LayoutError
from layouts.mrz import check_digit, name_field, td1, transliterate

BASE = {
    "document_code": "I",
    "issuer": "BOL",
    "document_number": "1234567",
    "birth_date": date(1990, 1, 31),
    "sex": "F",
    "expiry_date": date(2030, 1, 30),
    "nationality": "BOL",
    "surname": "QUISPE MAMANI",
    "given_names": "JULIA",
}


def test_specimen_of_doc_9303_5() -> None:
    lines = td1(
        document_code="I",
        issuer="UTO",
        document_number="D23145890",
        birth_date=date(1974, 8, 12),
        sex="F",
        expiry_date=date(2012, 4, 15),
        nationality="UTO",
        surname="Eriksson",
        given_names="Anna Maria",
    )
    assert lines == (
        "I<UTOD231458907<<<<<<<<<<<<<<<",
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    )


def test_long_number_continues_in_the_optional_data() -> None:
    lines = td1(
        document_code="I",
        issuer="UTO",
        document_number="D23145890734",
        birth_date=date(1934, 7, 12),
        sex="M",
        expiry_date=date(1995, 7, 12),
        nationality="UTO",
        surname="STEVENSON",
        given_names="PETER JOHN",
    )
    assert lines[:2] == ("I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2")


def test_check_digit_of_the_standards_example() -> None:
    assert check_digit("520727") == "3"  # 9303-3, 4.9
    assert check_digit("AB2134<<<") == "5"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ñáñez Agüero", "NANEZ<AGUEERO"),
        ("D'Ávila", "DAVILA"),
        ("O’Connor", "OCONNOR"),
        ("G\u0303uarañy\u0303 Poty\u0303", "GUARANY<POTY"),
        ("García-Montenegro", "GARCIA<MONTENEGRO"),
        ("Strauß Øye", "STRAUSS<OEYE"),
        ("Vda. de Cruz", "VDA<DE<CRUZ"),
        ("ıŞIK Łódź", "ISIK<LODZ"),
    ],
)
def test_transliteration(name: str, expected: str) -> None:
    assert transliterate(name) == expected


def test_one_name_is_the_primary_identifier() -> None:
    assert name_field("Condori", "", 30) == "CONDORI".ljust(30, "<")
    assert name_field("", "Wara", 30) == "WARA".ljust(30, "<")


LETTERS = st.text("ABCDEÑÁỸ' -", min_size=1, max_size=50)


@given(LETTERS, LETTERS)
def test_names_fill_the_line_and_a_cut_ends_in_a_letter(surname: str, given_names: str) -> None:
    if not transliterate(surname) and not transliterate(given_names):
        with pytest.raises(LayoutError):
            name_field(surname, given_names, 30)
        return
    field = name_field(surname, given_names, 30)
    assert len(field) == 30
    assert set(field) <= set("ABCDENYZ<") | {"A"}
    primary, secondary = transliterate(surname), transliterate(given_names)
    if len(f"{primary}<<{secondary}") > 30 and primary and secondary:
        assert field[-1] != "<", "truncation must show (9303-3)"
        assert field.split("<<")[1][0] == secondary[0], "a letter of the given names remains"


def test_a_cut_that_would_end_in_a_filler_takes_a_letter_of_the_surname() -> None:
    assert name_field("A" * 13, "B" * 14 + " C", 30) == "A" * 12 + "<<" + "B" * 14 + "<C"
    assert name_field("A" * 40, "BEATRIZ", 30) == "A" * 27 + "<<B"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"document_number": ""}, "document number"),
        ({"document_number": "1" * 23}, "22"),
        ({"sex": "Z"}, "sex"),
        ({"issuer": "BOLIVIA"}, "issuer"),
        ({"surname": "", "given_names": ""}, "name is missing"),
        ({"surname": "漢"}, "U\\+6F22"),
        ({"document_number": "1" * 14, "optional1": "2" * 10}, "optional1"),
    ],
)
def test_what_cannot_be_encoded_is_refused(change: dict[str, str], words: str) -> None:
    with pytest.raises(LayoutError, match=words) as caught:
        td1(**{**BASE, **change})
    assert caught.value.code == "mrz_invalid"


def test_a_complement_makes_a_long_number() -> None:
    first, second, third = td1(**{**BASE, "document_number": "1234567-1A"})
    assert first == "I<BOL1234567<1<A5<<<<<<<<<<<<<"
    assert {len(first), len(second), len(third)} == {30}


def test_unknown_dates_and_sex_are_fillers() -> None:
    _, second, _ = td1(**{**BASE, "birth_date": None, "sex": ""})
    assert second.startswith("<<<<<<0<300130")
