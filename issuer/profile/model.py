"""What an agency is, as frozen values. Nothing in the code knows a country: the files do.

``assumed`` marks what the agency's sources leave open: consoles and reports may show it, and a
profile that replaces the value needs no change of code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from .dated import ExemptionRule, FineRule, HolidayRule, PriceRule, ValidityRule


class UnknownCode(LookupError):  # noqa: N818 - a state of affairs, like LookupError's children
    """A code that the profile does not have; the message lists those that it has."""

    def __init__(self, what: str, code: str, known: Iterable[str]) -> None:
        super().__init__(f"no {what} {code!r} in the profile; it has {', '.join(sorted(known))}")


class CalendarEnds(LookupError):  # noqa: N818
    """Days outside the profile's calendar of holidays: it must be extended first."""


class Faces(NamedTuple):
    """Files of a document's faces; ``back`` is None where there is one page only."""

    front: Path
    back: Path | None


@dataclass(frozen=True, slots=True)
class BillLine:
    """What one document uses up: ``quantity`` whole ``unit``s of a material."""

    material: str
    quantity: int
    unit: str
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Material:
    """A valued material. ``tracking``: "serial" (each piece), "count" (pieces) or "roll"."""

    code: str
    name_es: str
    name_en: str
    unit: str  # "piece", "print"
    tracking: str
    serial_pattern: str | None  # full match; only for "serial"
    capacity: int | None  # prints of a new roll; only for "roll"
    supply: str | None  # the name by which a printer reports the roll (printers.ports.Supply)
    assumed: bool
    source: str

    @property
    def serialised(self) -> bool:
        """Whether each piece has a serial of its own and is followed by it."""
        return self.tracking == "serial"


@dataclass(frozen=True, slots=True)
class Category:
    """A licence category. ``min_age`` in whole years."""

    code: str
    name_es: str
    name_en: str
    min_age: int
    assumed: bool


@dataclass(frozen=True, slots=True)
class FieldLabel:
    """What a field of the request is called in words for the citizen."""

    name: str
    es: str
    en: str


@dataclass(frozen=True, slots=True)
class ListType:
    """A list that is asked before issuing; a person on it is refused with these words."""

    code: str
    name: str
    es: str
    en: str


@dataclass(frozen=True, slots=True)
class Form:
    """A form of the custody of valued material. ``assumed``: its meaning is not known yet."""

    code: str
    title: str
    documents: tuple[str, ...]  # the movements it documents
    fields: tuple[str, ...]
    signatures: tuple[str, ...]
    assumed: bool
    source: str


@dataclass(frozen=True, slots=True)
class Office:
    """An office. ``kind``: fixed, semi-permanent, brigade, district-unit, module, abroad."""

    code: str
    name: str
    department: str
    kind: str


@dataclass(frozen=True, slots=True)
class DocumentType:
    """A document that the agency issues; every code in it was checked at start."""

    code: str
    name_es: str
    name_en: str
    prefix: str  # one letter; a document number is the prefix and eight digits
    produces: str  # "card", "form" or "file"
    laminated: bool
    kinds: tuple[str, ...]  # of "new", "renewal", "replacement"
    printer_models: tuple[str, ...]
    blank_material: str | None
    bill: tuple[BillLine, ...]
    faces: Faces
    fields: tuple[str, ...]  # fields that the request must carry
    lists: tuple[str, ...]
    portrait: bool
    unique: bool  # one at a time: a new one replaces the earlier
    consolidated: bool  # the registry's record must be consolidated
    record_for: tuple[str, ...]  # kinds that need a record in the registry
    requires: tuple[str, ...]  # documents that must be held and in force
    ends_with_required: bool  # never outlives those
    permit_statuses: tuple[str, ...]  # empty: no permit of stay is asked
    categories: tuple[Category, ...]
    card_until: str  # "latest" or "earliest" of the categories' ends
    validity: tuple[ValidityRule, ...]
    prices: tuple[PriceRule, ...]
    fines: tuple[FineRule, ...] = ()
    exemptions: tuple[ExemptionRule, ...] = ()
    assumed: tuple[str, ...] = ()  # what of all this the sources leave open, in words

    @property
    def usage(self) -> str:
        """The name of the HSM key that signs it."""
        return self.code

    def category(self, code: str) -> Category:
        """Raises :class:`UnknownCode`."""
        for category in self.categories:
            if category.code == code:
                return category
        raise UnknownCode("category", code, (c.code for c in self.categories))


@dataclass(frozen=True, slots=True)
class Profile:
    """One agency. Look things up by code with :meth:`document`, :meth:`office`, …"""

    directory: Path
    code: str
    authority: str
    name_es: str
    name_en: str
    country: str  # ISO 3166-1 alpha-3
    language: str  # ISO 639-3, as claim 169 wants it
    timezone: str
    currency: str
    status_uri: str
    verification_url: str
    person_id_pattern: str
    documents: Mapping[str, DocumentType]
    offices: Mapping[str, Office]
    departments: Mapping[str, str]  # code -> name
    materials: Mapping[str, Material]
    fields: Mapping[str, FieldLabel]
    lists: Mapping[str, ListType]
    forms: Mapping[str, Form]
    holiday_rules: tuple[HolidayRule, ...] = ()
    calendar_from: date = date.min
    calendar_until: date = date.max

    def document(self, code: str) -> DocumentType:
        """Raises :class:`UnknownCode`."""
        if code not in self.documents:
            raise UnknownCode("document type", code, self.documents)
        return self.documents[code]

    def office(self, code: str) -> Office:
        """Raises :class:`UnknownCode`."""
        if code not in self.offices:
            raise UnknownCode("office", code, self.offices)
        return self.offices[code]

    def material(self, code: str) -> Material:
        """Raises :class:`UnknownCode`."""
        if code not in self.materials:
            raise UnknownCode("material", code, self.materials)
        return self.materials[code]

    def holidays(self, department: str, first: date, last: date) -> frozenset[date]:
        """Holidays of one department, both days inclusive. Raises :class:`CalendarEnds`.

        Moveable feasts are listed year by year, so a calendar ends: counting past it would
        charge citizens for holidays that nobody has entered yet.
        """
        if first < self.calendar_from or last > self.calendar_until:
            raise CalendarEnds(
                f"the calendar of holidays covers {self.calendar_from} to {self.calendar_until}, "
                f"asked {first} to {last}: add the missing years to departments.toml"
            )
        return frozenset(
            day
            for rule in self.holiday_rules
            if not rule.departments or department in rule.departments
            for day in rule.days(first, last)
        )
