"""Files of requests: the same content in both forms, and nothing lost when rows are bad."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.applications import (
    Application,
    BadRow,
    parse_application,
    read_applications,
    to_row,
)
from issuer.applications.files import FileError

DAY = Path(__file__).parents[3] / "samples" / "day"


def row(**changes: Any) -> dict[str, Any]:
    person = {
        "person_id": "1234567-1A",
        "surname1": "Condori",
        "given_names": "Wara",
        "birth_date": "1990-02-28",
        "sex": "F",
        "nationality": "BOL",
    }
    whole = {
        "request_id": "A-1",
        "office": "CH-01",
        "document_type": "CI",
        "kind": "new",
        "requested_on": "2026-11-20",
        "person": person | changes.pop("person", {}),
    }
    return whole | changes


def codes(data: object) -> list[tuple[str, str]]:
    found = parse_application(data)
    assert isinstance(found, tuple), "it was accepted"
    return [(problem.code, problem.en.split(":")[0]) for problem in found]


def test_a_request_and_its_row_are_the_same() -> None:
    whole = row(
        portrait="p.jpg",
        payment="B-1",
        categories=[{"code": "P", "since": "2010-01-02"}, {"code": "M"}],
        restrictions=["01"],
        permit={
            "type": "t",
            "number": "1",
            "since": "2026-01-01",
            "until": "2027-01-01",
            "department": "CH",
            "status": "temporary",
        },
        lost={"declared_on": "2026-11-19"},
        priority=3,
        extra={"indigenous_nation": "Guaraní"},
    )
    found = parse_application(whole)
    assert isinstance(found, Application)
    assert to_row(found) == whole
    assert found.value("extra.indigenous_nation") == "Guaraní"
    assert found.value("person.surname2") is None
    assert found.value("categories") == "P, M"
    with pytest.raises(KeyError):
        found.value("person.shoe_size")


def test_names_are_kept_in_nfc_and_guarani_keeps_its_tilde() -> None:
    found = parse_application(
        row(person={"surname1": "Nu\u0301n\u0303ez", "given_names": "Yvy\u0303 G\u0303ua"})
    )
    assert isinstance(found, Application)
    assert found.person.surname1 == "Núñez"
    assert found.person.given_names == "Yv\u1ef9 G\u0303ua"
    assert unicodedata.is_normalized("NFC", found.person.given_names)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kind": "gift"}, ("bad_choice", "kind")),
        ({"requested_on": "20/11/2026"}, ("bad_date", "requested_on")),
        ({"requested_on": "2026-02-30"}, ("bad_date", "requested_on")),
        ({"requested_on": "20261120"}, ("bad_date", "requested_on")),
        ({"person": {"sex": "f"}}, ("bad_choice", "person.sex")),
        ({"person": {"surname1": ""}}, ("missing", "person.surname1")),
        ({"person": {"surname1": 7}}, ("bad_type", "person.surname1")),
        ({"person": {"surname1": "A\x00B"}}, ("bad_character", "person.surname1")),
        ({"person": {"surname1": "A" * 201}}, ("too_long", "person.surname1")),
        ({"person": {"hat": "x"}}, ("unknown_field", "person.hat")),
        ({"priority": True}, ("bad_number", "priority")),
        ({"priority": 10}, ("bad_number", "priority")),
        ({"categories": "B"}, ("bad_type", "categories")),
        ({"categories": [{"code": "B", "since": "x"}]}, ("bad_date", "categories[0].since")),
        ({"permit": "refugee"}, ("missing", "permit")),
        ({"lost": {}}, ("missing", "lost.declared_on")),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in codes(row(**change))


def test_all_problems_come_at_once_and_none_shows_the_data() -> None:
    found = parse_application(row(kind="gift", requested_on="Secreto", person={"sex": "Secreto"}))
    assert isinstance(found, tuple)
    assert len(found) == 3
    assert not any("Secreto" in problem.es + problem.en for problem in found)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda c: (
            st.lists(c, max_size=3)
            | st.dictionaries(
                st.sampled_from(["person", "permit", "lost", "extra", "categories", "kind"]),
                c,
                max_size=4,
            )
        ),
        max_leaves=8,
    )
)
def test_nothing_that_json_can_say_raises(data: object) -> None:
    assert isinstance(parse_application(data), tuple)


def test_the_sample_day_is_the_same_in_both_forms() -> None:
    one = list(read_applications(DAY / "requests.jsonl"))
    other = list(read_applications(DAY / "requests.csv"))
    assert one == other
    assert len(one) >= 60
    assert all(isinstance(item, Application) for item in one)


def test_bad_lines_of_json_do_not_stop_the_others(tmp_path: Path) -> None:
    good = json.dumps(row()).encode()
    lines = [
        good,
        b'{"request_id": "A-2"',
        b"\xff\xfe",
        b"",
        b"[" * 20_000,
        json.dumps(row()).encode(),
        b'{"request_id": "A-8", "request_id": "A-9"}',
        b"x" * 70_000,
        json.dumps(row(request_id="A-3")).encode(),
    ]
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines))
    found = list(read_applications(path))
    assert [type(item) for item in found] == [
        Application,
        BadRow,
        BadRow,
        BadRow,
        BadRow,
        BadRow,
        BadRow,
        Application,
    ]
    bad = [item for item in found if isinstance(item, BadRow)]
    assert [(item.line, item.problems[0].code) for item in bad] == [
        (2, "not_json"),
        (3, "not_utf8"),
        (5, "not_json"),
        (6, "duplicate_request"),
        (7, "not_json"),
        (8, "line_too_long"),
    ]
    assert bad[0].es == "r.jsonl, línea 2: la línea no es JSON"


HEAD = (
    "request_id,office,document_type,kind,requested_on,person.person_id,person.surname1,"
    "person.given_names,person.birth_date,person.sex,person.nationality,priority"
)


def test_an_open_quote_costs_one_row_of_csv(tmp_path: Path) -> None:
    good = "A-{},CH-01,CI,new,2026-11-20,123456,Condori,Wara,1990-02-28,F,BOL,2"
    open_last = good.format(6).removesuffix("2") + '"2'
    lines = [HEAD, good.format(1), '"A-2,CH-01', "A-3,CH-01", good.format(4), good.format(5) + "x"]
    lines.append(open_last)
    path = tmp_path / "r.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    found = list(read_applications(path))
    assert [isinstance(item, BadRow) for item in found] == [False, True, True, False, True, True]
    first = found[0]
    assert isinstance(first, Application)
    assert first.priority == 2
    last = found[4]
    assert isinstance(last, BadRow)
    assert (last.line, last.request_id, last.problems[0].code) == (6, "A-5", "bad_number")


def test_a_spreadsheets_semicolons_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    line = "A-1;CH-01;CI;new;2026-11-20;123456;Condori;Wara;1990-02-28;F;BOL;"
    path.write_text("\ufeff" + HEAD.replace(",", ";") + "\r\n" + line, encoding="utf-8")
    (found,) = read_applications(path)
    assert isinstance(found, Application)


@pytest.mark.parametrize("header", ["office,kind", "request_id,kind,kind", "request_id,,kind"])
def test_a_csv_without_a_usable_header_is_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text(header + "\nx,y,z", encoding="utf-8")
    with pytest.raises(FileError, match="first line"):
        list(read_applications(path))


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="jsonl"):
        list(read_applications(tmp_path / "r.xlsx"))
