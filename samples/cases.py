"""The requests of the sample day: what is asked, what the outside systems know, what must follow.

The expected outcome is written down here by hand, from the facts, and never computed by the code
that it is to test.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from .people import People, Person

TODAY = date(2026, 11, 20)  # a Friday
OFFICE = "CH-01"
PRICES = {"CI": "17.00", "LIC": "190.00", "LCC": "50.00", "PIC": "150.00", "CIE": "550.00"}
PRICES["CERTQR"] = "20.00"
# Without categories: the last day of a document issued on TODAY.
UNTIL = {"CI": "2036-11-20", "LCC": "2028-11-20", "PIC": "2027-11-20", "CERTQR": "2027-12-31"}


@dataclass
class Case:
    """One request. ``note`` says what is hard about it; ordinary ones have none.

    ``paid`` is the slip's amount (None: no slip; "" with a slip: the bank does not know it),
    ``prior`` documents in the registry's form, ``record`` changes to the record (None: none).
    """

    id: str
    document: str
    kind: str
    person: Person
    note: str = ""
    refused: tuple[str, ...] = ()  # reasons in order; empty: admitted
    until: str = ""
    due: str = ""
    paid: str | None = "due"
    slip: dict[str, str] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=dict)
    prior: tuple[str, ...] = ()
    record: dict[str, str] | None = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    portrait: str = ""  # style; "broken" is a truncated file

    def __post_init__(self) -> None:
        self.until = self.until or UNTIL.get(self.document, "")
        self.due = self.due or PRICES[self.document]


def ci(number: int, issued: str, until: str, state: str = "valid") -> str:
    """An earlier identity card; earlier systems' numbers begin with 9."""
    return f"C9{number:07d}/CI/{issued}/{until}/{state}"


def ordinary_cards(people: People, dice: random.Random) -> Iterator[Case]:
    """The bulk of the day, in the mix of the district units: most of them replacements."""
    for number in range(20):
        case = Case(f"D-{number + 1:03d}", "CI", "replacement", people.person())
        issued = date(2016 + dice.randrange(10), 1 + dice.randrange(10), 1 + dice.randrange(28))
        until = issued.replace(year=issued.year + (10 if issued.year >= 2020 else 6))
        case.prior = (ci(100 + number, issued.isoformat(), until.isoformat()),)
        if number % 5:  # one in five brings a damaged card instead
            case.request["lost"] = {"declared_on": "2026-11-19"}
        yield case
    for number in range(2):
        yield Case(f"D-{number + 21:03d}", "CI", "new", people.aged(18 + number))
    renewal = Case("D-023", "CI", "renewal", people.aged(47))
    renewal.prior = (ci(150, "2020-11-25", "2026-11-25"),)
    yield renewal


def hard_cards(people: People) -> Iterator[Case]:
    """Identity cards that go wrong where nobody thought of them."""
    names: tuple[tuple[str, dict[str, str]], ...] = (
        (
            "names that overflow",
            {
                "surname1": "Fernández de Córdoba Villavicencio",
                "surname2": "y Montenegro Arancibia",
                "given_names": "María de los Ángeles Guadalupe Concepción",
                "sex": "F",
            },
        ),
        ("ñ in every name", {"surname1": "Ñáñez", "surname2": "Muñoz", "given_names": "Begoña"}),
        ("accents and diaeresis", {"surname1": "Agüero", "surname2": "Cárdenas"}),
        ("apostrophe, straight", {"surname1": "D'Ávila", "surname2": "Peña"}),
        ("apostrophe, typographic", {"surname1": "O’Connor", "surname2": "d’Arlach"}),
        ("Guaraní g̃ and ỹ", {"surname1": "Guarag̃u", "surname2": "Mbayỹ", "given_names": "Yvỹ"}),
        (
            "name typed decomposed, kept as NFC",
            {"surname1": "Nu\u0301n\u0303ez", "given_names": "Jose\u0301", "sex": "M"},
        ),
        ("one surname", {"surname1": "Condori", "surname2": ""}),
        ("number with complement", {"person_id": "1234567-1A"}),
    )
    for number, (note, given) in enumerate(names, 1):
        case = Case(f"H-{number:03d}", "CI", "replacement", people.person(**given), note)
        case.prior = (ci(200 + number, "2021-03-01", "2031-03-01"),)
        yield case
    case = Case("H-010", "CI", "replacement", people.person(), "lost card, named by its number")
    case.prior = (ci(210, "2022-05-10", "2032-05-10"), ci(211, "2015-01-05", "2021-01-05"))
    lost = {"declared_on": "2026-11-18", "document_number": "C90000210", "reference": "EXT-4471"}
    case.request["lost"] = lost
    yield case
    minor = {"occupation": "Estudiante", "civil_status": "Soltera", "sex": "F"}
    yield Case("H-011", "CI", "new", people.aged(8, **minor), "a minor of eight years")
    baby = people.person(birth_date="2026-08-02", occupation="Ninguna", civil_status="Soltero")
    yield Case("H-012", "CI", "new", baby, "a child of three months")
    leap = people.person(birth_date="1988-02-29")
    case = Case("H-013", "CI", "replacement", leap, "born on 29 February")
    case.prior = (ci(213, "2020-02-29", "2030-02-28"),)
    yield case


def licence(code: str, since: str | None = None) -> dict[str, str]:
    """One category asked for."""
    return {"code": code} | ({"since": since} if since else {})


def licences(people: People) -> Iterator[Case]:
    """All six categories, and both sides of every limit of age."""
    rows = (
        ("L-001", "new", 22, "P", "2031-11-20", ""),
        ("L-002", "new", 30, "M", "2031-11-20", ""),
        ("L-003", "replacement", 41, "A", "2031-11-20", ""),
        ("L-004", "renewal", 38, "B", "2031-11-20", ""),
        ("L-005", "replacement", 50, "C", "2031-11-20", ""),
        ("L-006", "replacement", 29, "T", "2031-11-20", ""),
        ("L-064", "renewal", 64, "B", "2031-11-20", "aged 64, B: five years, across the limit"),
        ("L-065", "renewal", 65, "C", "2031-11-20", "aged exactly 65, C: counts as up to 65"),
        ("L-066", "renewal", 66, "T", "2029-11-20", "aged 66, T: three years"),
        ("L-069", "renewal", 69, "A", "2031-11-20", "aged 69, A: five years, while under 70"),
        ("L-070", "renewal", 70, "M", "2029-11-20", "aged 70, M: three years"),
        ("L-071", "renewal", 71, "P", "2029-11-20", "aged 71, P: three years"),
    )
    for number, (name, kind, age, code, until, note) in enumerate(rows):
        case = Case(name, "LIC", kind, people.aged(age), note, until=until)
        if kind == "new":
            case.request["categories"] = [licence(code)]
        else:
            case.prior = (f"L9{number:07d}/LIC/2021-11-19/2026-11-19/valid",)
            case.request["categories"] = [licence(code, "2016-11-18")]
        yield case
    mixed = Case("L-007", "LIC", "renewal", people.aged(67), until="2031-11-20")
    mixed.note = "aged 67, P and C: each category has its own end, the card the later"
    mixed.prior = ("L90000020/LIC/2021-11-19/2026-11-19/valid",)
    mixed.request["categories"] = [licence("P", "1990-05-02"), licence("C", "2001-07-09")]
    mixed.request["restrictions"] = ["01"]
    yield mixed
    leap = people.person(birth_date="1956-02-29")
    case = Case("L-008", "LIC", "renewal", leap, "born 29 February 1956: 70 since 1 March 2026")
    case.prior, case.until = ("L90000021/LIC/2021-11-19/2026-11-19/valid",), "2029-11-20"
    case.request["categories"] = [licence("P", "1990-05-02")]
    yield case


def others(people: People) -> Iterator[Case]:
    """Courtesy licences, international permits, certificates."""
    for number, (land, rank) in enumerate((("FRA", "Embajadora"), ("JPN", "Tercer Secretario")), 1):
        case = Case(f"C-00{number}", "LCC", "new", people.foreigner(land), record=None)
        case.request |= {"mission": f"Embajada {land}", "rank": rank}
        yield case
    for number, (until, end, note) in enumerate(
        (
            ("2029-04-04", "2027-11-20", ""),
            ("2027-03-15", "2027-03-15", "the licence ends first: the permit ends with it"),
        ),
        1,
    ):
        case = Case(f"P-00{number}", "PIC", "new", people.person(), note, until=end)
        case.prior = (f"L900001{number:02d}/LIC/2024-04-04/{until}/valid",)
        yield case
    for number in range(1, 4):
        yield Case(f"Q-00{number}", "CERTQR", "new", people.person())


def permit(status: str, until: str, department: str = "CH", since: str = "2026-01-12") -> Any:
    """A permit of stay."""
    kinds = {"temporary": "Permanencia temporal", "refugee": "Refugio"}
    return {
        "type": kinds.get(status, "Permanencia humanitaria"),
        "number": "PM-2026-0815",
        "since": since,
        "until": until,
        "department": department,
        "status": status,
    }


def foreigners(people: People) -> Iterator[Case]:
    """Foreigners' cards, with fines and without."""
    rows = (
        ("F-001", "new", "PER", permit("temporary", "2028-01-11"), "550.00", ""),
        (
            "F-002",
            "new",
            "VEN",
            permit("refugee", "2029-06-30"),
            "0.00",
            "a refugee: free of price, no slip",
        ),
        (
            "F-003",
            "renewal",
            "ARG",
            permit("temporary", "2028-01-11", "PT"),
            "569.00",
            "21 days overdue, permit of Potosí: All Souls and Potosí's own day do not count",
        ),
        (
            "F-004",
            "renewal",
            "BRA",
            permit("temporary", "2028-01-11", "CH"),
            "570.00",
            "the same days, permit of Chuquisaca: only All Souls does not count",
        ),
        (
            "F-005",
            "renewal",
            "HTI",
            permit("temporary_humanitarian", "2027-08-31"),
            "0.00",
            "humanitarian stay, overdue: free of price and of the fine",
        ),
    )
    for number, (name, kind, land, stay, due, note) in enumerate(rows):
        case = Case(name, "CIE", kind, people.foreigner(land), note, until=stay["until"], due=due)
        case.request["permit"] = stay
        if due == "0.00":
            case.paid = None
        if kind == "renewal":
            case.prior = (f"E9{number:07d}/CIE/2024-10-30/2026-10-30/valid",)
        yield case
