"""Writes the sample day: ``python -m samples.generate samples/day``.

The same code always writes the same files. See samples/README.md for what is in them.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .cases import OFFICE, TODAY, Case, foreigners, hard_cards, licences, ordinary_cards, others
from .people import People
from .portraits import STYLES, draw, encode, ending, features
from .refusals import refused_cards, refused_others

SEED = "fedatario sample day"
PERSON = [
    "person_id",
    "surname1",
    "surname2",
    "given_names",
    "birth_date",
    "birth_place",
    "sex",
    "nationality",
    "residence",
    "occupation",
    "civil_status",
    "blood_group",
]
PERMIT = ["type", "number", "since", "until", "department", "status"]
LOST = ["declared_on", "document_number", "reference"]
PAYMENT = ["slip", "amount", "paid_on", "person_id", "document_type", "used_by"]
RECORD = [
    "person_id",
    "surname1",
    "surname2",
    "given_names",
    "birth_date",
    "consolidated",
    "observations",
    "prior",
]
HEAD = ["request_id", "office", "document_type", "kind", "requested_on"]
TAIL = ["portrait", "payment", "categories", "restrictions", "mission", "rank", "priority"]
COLUMNS = [
    *HEAD,
    *(f"person.{name}" for name in PERSON),
    *TAIL,
    *(f"permit.{name}" for name in PERMIT),
    *(f"lost.{name}" for name in LOST),
]


def build() -> list[Case]:
    """All requests in the order of the day, shuffled once by the seed."""
    dice = random.Random(SEED)
    people = People(dice, TODAY)
    cases = [
        *ordinary_cards(people, dice),
        *hard_cards(people),
        *licences(people),
        *others(people),
        *foreigners(people),
        *refused_cards(people),
        *refused_others(people),
    ]
    dice.shuffle(cases)
    for number, case in enumerate(cases):
        case.portrait = case.portrait or _style(number)
    return cases


def _style(number: int) -> str:
    """Mostly camera JPEG; every other style comes round."""
    return "jpeg" if number % 3 else STYLES[(number // 3) % len(STYLES)]


def portrait(case: Case) -> bytes:
    """The portrait file of a request."""
    born = int(case.person["birth_date"][:4])
    face = features(
        f"{SEED} {case.id}",
        child=TODAY.year - born < 14,
        old=TODAY.year - born > 58,
        woman=case.person["sex"] == "F",
    )
    picture = draw(face)
    if case.portrait == "broken":
        whole = encode(picture, "jpeg")
        return whole[: len(whole) // 3]
    return encode(picture, case.portrait)


def portrait_name(case: Case) -> str:
    """Its path in the sample day."""
    return f"portraits/{case.id}.{ending(case.portrait)}"


def request(case: Case, slip: str | None) -> dict[str, Any]:
    """The request as JSON."""
    row: dict[str, Any] = {
        "request_id": case.id,
        "office": OFFICE,
        "document_type": case.document,
        "kind": case.kind,
        "requested_on": TODAY.isoformat(),
        "person": case.person,
        "portrait": portrait_name(case),
    }
    if slip:
        row["payment"] = slip
    return row | case.request


def flat(row: dict[str, Any]) -> dict[str, str]:
    """The same request as a row of CSV."""
    cells: dict[str, str] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            cells |= {f"{key}.{name}": text for name, text in value.items()}
        elif key == "categories":
            marks = (c["code"] + (f"@{c['since']}" if "since" in c else "") for c in value)
            cells[key] = ";".join(marks)
        elif isinstance(value, list):
            cells[key] = ";".join(value)
        else:
            cells[key] = str(value)
    return cells


def payment(case: Case, slip: str) -> dict[str, str]:
    """What the bank knows of the slip."""
    row = {
        "slip": slip,
        "amount": case.due if case.paid == "due" else str(case.paid),
        "paid_on": "2026-11-19",
        "person_id": case.person["person_id"],
        "document_type": case.document,
    }
    return row | case.slip


def record(case: Case) -> dict[str, str]:
    """What the registry knows of the person."""
    names = ("person_id", "surname1", "surname2", "given_names", "birth_date")
    row = {name: case.person.get(name, "") for name in names}
    row = {name: unicodedata.normalize("NFC", text) for name, text in row.items()}
    row |= {"consolidated": "yes", "prior": ";".join(case.prior)}
    return row | (case.record or {})


def _write_csv(path: Path, columns: list[str], rows: Iterable[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)


def write_tables(cases: list[Case], out: Path) -> None:
    """Everything but the portraits."""
    out.mkdir(parents=True, exist_ok=True)
    slips = {c.id: f"BU-2026-{n:06d}" for n, c in enumerate(cases, 41) if c.paid is not None}
    rows = [request(case, slips.get(case.id)) for case in cases]
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (out / "requests.jsonl").write_text("".join(lines), encoding="utf-8")
    _write_csv(out / "requests.csv", COLUMNS, map(flat, rows))
    paid = [payment(c, slips[c.id]) for c in cases if c.paid]
    _write_csv(out / "payments.csv", PAYMENT, paid)
    known = [record(c) for c in cases if c.record is not None]
    _write_csv(out / "registry.csv", RECORD, known)
    for name in ("BLACKLIST", "LIST828"):
        listed = [{"person_id": c.person["person_id"]} for c in cases if name in c.lists]
        _write_csv(out / f"{name.lower()}.csv", ["person_id"], listed)
    _write_csv(out / "expected.csv", _EXPECTED, map(_expected, cases))
    day = f'# The business day of these requests.\ndate = {TODAY}\noffice = "{OFFICE}"\n'
    (out / "day.toml").write_text(day, encoding="utf-8")


_EXPECTED = ["request_id", "outcome", "reasons", "due", "valid_until", "note"]


def _expected(case: Case) -> dict[str, str]:
    row = {"request_id": case.id, "note": case.note}
    if case.refused:
        return row | {"outcome": "refused", "reasons": ";".join(case.refused)}
    return row | {"outcome": "admitted", "due": case.due, "valid_until": case.until}


def main(argv: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Writes the sample day, the same every time.")
    parser.add_argument("out", type=Path, help="directory to write, e.g. samples/day")
    out: Path = parser.parse_args(argv).out
    cases = build()
    write_tables(cases, out)
    (out / "portraits").mkdir(exist_ok=True)
    for case in cases:
        (out / portrait_name(case)).write_bytes(portrait(case))
    sys.stdout.write(f"{len(cases)} requests in {out}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
