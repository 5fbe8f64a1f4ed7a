"""A request from JSON's values: strict types, Unicode NFC, and every problem in one answer."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from ..domain import Reason
from .model import KINDS, SEXES, Application, CategoryRequest, LostCard, Permit, Person

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST = 200  # characters of any one field; a longer one is a file gone wrong


class _Reader:
    """One object of a request. Problems name the field and never its content."""

    def __init__(self, data: Mapping[str, Any], room: str, problems: list[Reason]) -> None:
        self._data = data
        self._room = room
        self._problems = problems
        self._seen: set[str] = set()

    def name(self, key: str) -> str:
        return f"{self._room}.{key}" if self._room else key

    def problem(self, key: str, code: str, es: str, en: str) -> None:
        name = self.name(key)
        self._problems.append(Reason(code, f"{name}: {es}", f"{name}: {en}"))

    def optional(self, key: str) -> str | None:
        self._seen.add(key)
        value = self._data.get(key)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.problem(key, "bad_type", "debe ser texto", "must be a text")
            return None
        return self._clean(key, value)

    def _clean(self, key: str, value: str) -> str | None:
        # NFC: one spelling per name, whatever keyboard it came from; g̃ has no single code point
        # and stays a letter with its combining tilde.
        text = unicodedata.normalize("NFC", " ".join(value.split(" ")).strip())
        text = re.sub(r" {2,}", " ", text)
        if any(unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn"} for char in text):
            self.problem(
                key,
                "bad_character",
                "tiene un carácter que no se puede escribir; vuelva a digitarlo",
                "holds a character that cannot be written; type it again",
            )
            return None
        if len(text) > _LONGEST:
            self.problem(key, "too_long", f"pasa de {_LONGEST} letras", f"over {_LONGEST} letters")
            return None
        return text or None

    def text(self, key: str) -> str:
        missing = self._data.get(key) in (None, "")
        value = self.optional(key)
        if missing:
            self.problem(key, "missing", "falta", "is missing")
        return value or ""

    def choice(self, key: str, choices: Iterable[str]) -> str:
        value, known = self.text(key), tuple(choices)
        if value and value not in known:
            words = ", ".join(known)
            self.problem(key, "bad_choice", f"debe ser uno de {words}", f"must be one of {words}")
        return value

    def day_or_none(self, key: str) -> date | None:
        value = self.optional(key)
        if value is None:
            return None
        try:
            if _DATE.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass  # the same answer as for another form: not a day
        self.problem(key, "bad_date", "no es una fecha AAAA-MM-DD", "is not a date YYYY-MM-DD")
        return None

    def day(self, key: str) -> date:
        if self._data.get(key) in (None, ""):
            self.problem(key, "missing", "falta", "is missing")
        return self.day_or_none(key) or date.min

    def integer(self, key: str, least: int, most: int) -> int:
        self._seen.add(key)
        value = self._data.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.problem(
                key,
                "bad_number",
                f"debe ser un entero de {least} a {most}",
                f"must be a whole number from {least} to {most}",
            )
            return least
        return value

    def objects(self, key: str) -> list[_Reader]:
        self._seen.add(key)
        values = self._data.get(key) or []
        if not isinstance(values, list) or not all(isinstance(v, dict) for v in values):
            self.problem(key, "bad_type", "debe ser una lista de objetos", "must be a list")
            return []
        return [_Reader(v, f"{self.name(key)}[{i}]", self._problems) for i, v in enumerate(values)]

    def object(self, key: str, required: bool = False) -> _Reader | None:
        self._seen.add(key)
        value = self._data.get(key)
        if value is None and not required:
            return None
        if not isinstance(value, dict):
            self.problem(key, "missing", "falta o no es un objeto", "is missing or no object")
            return None
        return _Reader(value, self.name(key), self._problems)

    def texts(self, key: str) -> tuple[str, ...]:
        self._seen.add(key)
        values = self._data.get(key) or []
        if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
            self.problem(key, "bad_type", "debe ser una lista de textos", "must be a list of texts")
            return ()
        return tuple(clean for v in values if (clean := self._clean(key, v)))

    def mapping(self, key: str) -> dict[str, str]:
        reader = self.object(key)
        if reader is None:
            return {}
        pairs = {str(name): reader.optional(str(name)) for name in sorted(reader._data)}
        return {name: value for name, value in pairs.items() if value is not None}

    def finish(self) -> None:
        for key in self._data:
            if key not in self._seen:
                self.problem(key, "unknown_field", "campo desconocido", "unknown field")


def _person(reader: _Reader) -> Person:
    person = Person(
        person_id=reader.text("person_id"),
        surname1=reader.text("surname1"),
        surname2=reader.optional("surname2"),
        given_names=reader.text("given_names"),
        birth_date=reader.day("birth_date"),
        birth_place=reader.optional("birth_place"),
        sex=reader.choice("sex", SEXES),
        nationality=reader.text("nationality"),
        residence=reader.optional("residence"),
        occupation=reader.optional("occupation"),
        civil_status=reader.optional("civil_status"),
        blood_group=reader.optional("blood_group"),
    )
    reader.finish()
    return person


def _permit(reader: _Reader) -> Permit:
    permit = Permit(
        type=reader.text("type"),
        number=reader.text("number"),
        since=reader.day("since"),
        until=reader.day("until"),
        department=reader.text("department"),
        status=reader.text("status"),
    )
    reader.finish()
    return permit


def _lost(reader: _Reader) -> LostCard:
    lost = LostCard(
        declared_on=reader.day("declared_on"),
        document_number=reader.optional("document_number"),
        reference=reader.optional("reference"),
    )
    reader.finish()
    return lost


def _category(reader: _Reader) -> CategoryRequest:
    category = CategoryRequest(reader.text("code"), reader.day_or_none("since"))
    reader.finish()
    return category


def parse_application(data: object) -> Application | tuple[Reason, ...]:
    """A request from a JSON object, or all that is wrong with its form. Raises nothing."""
    if not isinstance(data, dict):
        return (Reason("not_an_object", "no es un objeto JSON", "is not a JSON object"),)
    problems: list[Reason] = []
    reader = _Reader(data, "", problems)
    person, permit = reader.object("person", required=True), reader.object("permit")
    lost = reader.object("lost")
    application = Application(
        request_id=reader.text("request_id"),
        office=reader.text("office"),
        document_type=reader.text("document_type"),
        kind=reader.choice("kind", KINDS),
        requested_on=reader.day("requested_on"),
        person=_person(person or _Reader({}, "person", [])),
        portrait=reader.optional("portrait"),
        payment=reader.optional("payment"),
        categories=tuple(_category(item) for item in reader.objects("categories")),
        restrictions=reader.texts("restrictions"),
        permit=_permit(permit) if permit else None,
        lost=_lost(lost) if lost else None,
        mission=reader.optional("mission"),
        rank=reader.optional("rank"),
        priority=reader.integer("priority", 0, 9),
        extra=reader.mapping("extra"),
    )
    reader.finish()
    return tuple(problems) if problems else application


def _bare(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_bare(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _bare(item) for key, item in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        pairs = {name: getattr(value, name) for name in value.__dataclass_fields__}
        return {k: _bare(v) for k, v in pairs.items() if v is not None and v not in ((), {})}
    return value


def to_row(application: Application) -> dict[str, Any]:
    """A JSON-able form without empty fields; :func:`parse_application` reads it back."""
    row: dict[str, Any] = _bare(application)
    return row
