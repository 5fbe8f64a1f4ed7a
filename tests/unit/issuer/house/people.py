"""Invented people, their requests, and the outside systems that know them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from issuer.applications import Application
from issuer.applications.model import CategoryRequest, LostCard, Person
from issuer.lists import CsvLists
from issuer.outside import Outside
from issuer.payments import CsvPayments, Payment
from issuer.registry import CsvRegistry, PriorDocument, RegistryRecord

OFFICE = "CH-01"
DAY = datetime.now(UTC).date()  # keys of the bench begin today, and terms end some day
SAMPLES = Path(__file__).resolve().parents[4] / "samples" / "day"
PRICES = {"LIC": Decimal("190.00"), "CI": Decimal("17.00"), "CERTQR": Decimal("20.00")}
# No other text of the house has these words, so that finding one in a table proves a leak.
SURNAMES = ("Yllatarco", "Ñuqapuma")
GIVEN = "Wayrasisa Ýpeguasu"


def person(number: int, **changes: Any) -> Person:
    """A woman of 36 years or so with number 8000000 + ``number``."""
    plain = Person(
        person_id=f"{8_000_000 + number}",
        surname1=SURNAMES[0],
        surname2=SURNAMES[1],
        given_names=GIVEN,
        birth_date=date(DAY.year - 36, 3, 4),
        sex="F",
        nationality="BOL",
        birth_place="Chuquisaca – Oropeza – Sucre",
        residence="Calle Kantutaxyz 77",
        occupation="Astrónoma",
        civil_status="Soltera",
        blood_group="O+",
    )
    return replace(plain, **changes)


def personal_words(who: Person) -> tuple[str, ...]:
    """What must not be found where no personal data belongs."""
    found = (who.surname1, who.surname2, *who.given_names.split(), who.person_id, "Kantutaxyz")
    return tuple(word for word in found if word)


def request(number: int, document_type: str = "LIC", kind: str = "new", **changes: Any) -> Any:
    """A request that is in order; ``changes`` are fields of the application."""
    plain = Application(
        request_id=f"T-{number:03d}",
        office=OFFICE,
        document_type=document_type,
        kind=kind,
        requested_on=DAY,
        person=changes.pop("who", None) or person(number),
        portrait="portraits/D-001.jpg",
        payment=f"BU-{number:06d}",
        categories=(CategoryRequest("B"),) if document_type == "LIC" else (),
    )
    return replace(plain, **changes)


def lost_card(number: str | None = None) -> LostCard:
    """A declaration of today."""
    return LostCard(DAY, number, "D-1")


@dataclass(slots=True)
class Outsiders:
    """Registry, bank and lists as a test fills them."""

    records: dict[str, RegistryRecord] = field(default_factory=dict)
    slips: dict[str, Payment] = field(default_factory=dict)
    listed: dict[str, frozenset[str]] = field(
        default_factory=lambda: {"BLACKLIST": frozenset(), "LIST828": frozenset()}
    )

    def outside(self) -> Outside:
        """The ports over them; what is added later is seen."""
        return Outside(CsvRegistry(self.records), CsvPayments(self.slips), CsvLists(self.listed))

    def know(self, application: Application, *prior: PriorDocument) -> Application:
        """Registers the person and pays the slip of a request; returns the request."""
        who = application.person
        self.records[who.person_id] = RegistryRecord(
            who.person_id,
            who.surname1,
            who.surname2,
            who.given_names,
            who.birth_date,
            consolidated=True,
            prior=prior,
        )
        if application.payment is not None and application.payment not in self.slips:
            self.slips[application.payment] = Payment(
                application.payment,
                PRICES[application.document_type],
                DAY,
                who.person_id,
                application.document_type,
            )
        return application


def portrait(name: str = "D-001.jpg") -> bytes:
    """A drawn portrait of the sample day."""
    return (SAMPLES / "portraits" / name).read_bytes()
