"""The request's typed form: what the counter takes down, before anything is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date

KINDS = ("new", "renewal", "replacement")
SEXES = ("F", "M", "X")


@dataclass(frozen=True, slots=True)
class Person:
    """Who the document is for. Names in Unicode NFC, as the person writes them."""

    person_id: str  # "1234567", with complement "1234567-1A", foreigners "E-1234567"
    surname1: str
    given_names: str
    birth_date: date
    sex: str  # "F", "M" or "X"
    nationality: str  # ISO 3166-1 alpha-3
    surname2: str | None = None
    birth_place: str | None = None
    residence: str | None = None
    occupation: str | None = None
    civil_status: str | None = None
    blood_group: str | None = None  # "O+", "AB-", …

    @property
    def surnames(self) -> str:
        """Both surnames, or the only one."""
        return f"{self.surname1} {self.surname2}" if self.surname2 else self.surname1

    @property
    def full_name(self) -> str:
        """Given names first, as the law's forms write it."""
        return f"{self.given_names} {self.surnames}"


@dataclass(frozen=True, slots=True)
class CategoryRequest:
    """A licence category asked for; ``since`` is None when it is new."""

    code: str
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """A foreigner's permit of stay. ``department`` is the code of the one that granted it."""

    type: str
    number: str
    since: date
    until: date
    department: str
    status: str  # "temporary", "refugee", …: the profile knows the words


@dataclass(frozen=True, slots=True)
class LostCard:
    """A declaration that the earlier card is lost or stolen."""

    declared_on: date
    document_number: str | None = None  # None: whichever the person held
    reference: str | None = None  # the number of the declaration


@dataclass(frozen=True, slots=True)
class Application:
    """One request as the counter takes it. ``portrait`` is a path relative to the file."""

    request_id: str
    office: str
    document_type: str
    kind: str  # "new", "renewal" or "replacement"
    requested_on: date
    person: Person
    portrait: str | None = None
    payment: str | None = None  # the number of the bank slip
    categories: tuple[CategoryRequest, ...] = ()
    restrictions: tuple[str, ...] = ()
    permit: Permit | None = None
    lost: LostCard | None = None
    mission: str | None = None
    rank: str | None = None
    priority: int = 0  # 0 to 9; higher goes first
    extra: Mapping[str, str] = field(default_factory=dict)  # fields that a profile adds

    def value(self, name: str) -> str | None:
        """The text of a field by its name in a profile: "person.residence", "extra.nation".

        None when it was not given. Raises :class:`KeyError` for a name outside FIELD_NAMES.
        """
        room, _, key = name.rpartition(".")
        if room == "extra":
            return self.extra.get(key)
        if name not in FIELD_NAMES:
            raise KeyError(name)
        holder = self if not room else getattr(self, room)
        found = None if holder is None else getattr(holder, key)
        if isinstance(found, tuple):
            return ", ".join(str(getattr(item, "code", item)) for item in found) or None
        return None if found is None else str(found)


FIELD_NAMES = frozenset(
    {"portrait", "payment", "categories", "restrictions", "mission", "rank"}
    | {f"person.{f.name}" for f in fields(Person)}
    | {f"permit.{f.name}" for f in fields(Permit)}
    | {f"lost.{f.name}" for f in fields(LostCard)}
)
"""Names that a profile may require; "extra.<anything>" besides."""
