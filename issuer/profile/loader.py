"""Reads the files of an agency into one :class:`Profile`, or says all that is wrong with them."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..applications import FIELD_NAMES
from .dated import HolidayRule
from .documents import Known, read_document
from .findings import Finding, ProfileError
from .model import DocumentType, FieldLabel, Form, ListType, Material, Office, Profile
from .reader import Node, read_toml

T = TypeVar("T")

OFFICE_KINDS = ("fixed", "semi-permanent", "brigade", "district-unit", "module", "abroad")


def load_profile(directory: Path) -> Profile:
    """Loads and cross-checks the agency in ``directory``.

    Raises :class:`ProfileError`, whose message names every problem with file and line.
    """
    findings: list[Finding] = []
    if not directory.is_dir():
        finding = Finding("agency.toml", 1, "the directory does not exist; give a profile's path")
        raise ProfileError(str(directory), [finding])
    profile = _read(directory, findings)
    if findings:
        raise ProfileError(str(directory), findings)
    return profile


def _read(directory: Path, findings: list[Finding]) -> Profile:
    agency = read_toml(directory, "agency.toml", findings)
    places = read_toml(directory, "departments.toml", findings)
    departments = _table(places, "department", lambda n: (n.text("code"), n.text("name")))
    offices_file = read_toml(directory, "offices.toml", findings)
    offices = _table(offices_file, "offices", lambda n: _office(n, departments))
    materials = _one_file(directory, "materials.toml", "material", _material, findings)
    fields = _one_file(directory, "fields.toml", "fields", _field, findings)
    lists = _one_file(directory, "lists.toml", "list", _list, findings)
    forms = _one_file(directory, "forms.toml", "form", _form, findings, required=False)
    known = Known(directory, materials, frozenset(fields), frozenset(lists))
    documents = _documents(directory, known, findings)
    if not documents:
        findings.append(Finding("documents/", 1, "no documents/*.toml; add at least one"))
    holidays = tuple(_holiday(node, departments) for node in places.nodes("holiday"))
    profile = Profile(
        directory=directory,
        code=_matching(agency, "code", r"[A-Z0-9]{2,12}", "2 to 12 capital letters or digits"),
        authority=_matching(agency, "authority", r"[A-Z]{2}-[A-Z0-9]{2,12}", "like BO-SEGIP"),
        name_es=agency.text("name_es"),
        name_en=agency.text("name_en"),
        country=_matching(agency, "country", r"[A-Z]{3}", "three capital letters (ISO 3166)"),
        language=_matching(agency, "language", r"[a-z]{3}", "three small letters (ISO 639-3)"),
        timezone=_timezone(agency),
        currency=agency.text("currency"),
        status_uri=_matching(agency, "status_uri", r"https://\S+/", "https://… ending in /"),
        verification_url=_matching(agency, "verification_url", r"https://\S+", "https://…"),
        person_id_pattern=_pattern(agency, "person_id_pattern"),
        documents=documents,
        offices=dict(offices),
        departments=departments,
        materials=materials,
        fields=fields,
        lists=lists,
        forms=forms,
        holiday_rules=holidays,
        calendar_from=places.day("calendar_from"),
        calendar_until=places.day("calendar_until"),
    )
    agency.texts("assumed", ())
    for node in (agency, places, offices_file):
        node.finish()
    return profile


def _documents(directory: Path, known: Known, findings: list[Finding]) -> dict[str, DocumentType]:
    """All document types, and what they promise each other: codes, prefixes, requirements."""
    pairs = []
    for path in sorted((directory / "documents").glob("*.toml")):
        node = read_toml(directory, f"documents/{path.name}", findings)
        pairs.append((node, read_document(node, known)))
        node.finish()
    documents: dict[str, DocumentType] = {}
    for node, document in pairs:
        if document.code in documents:
            node.report(f"code {document.code!r} belongs to another document", "code")
        for other in documents.values():
            if other.prefix == document.prefix:
                node.report(
                    f"prefix {other.prefix!r} is used by {other.code}; take another", "prefix"
                )
        documents[document.code] = document
    for node, document in pairs:
        for required in document.requires:
            if required not in documents:
                node.report(f"requires: no document {required!r} in the profile", "requires")
    return documents


def _one_file(
    directory: Path,
    name: str,
    key: str,
    read: Callable[[Node], tuple[str, T]],
    findings: list[Finding],
    required: bool = True,
) -> dict[str, T]:
    """A file that holds one table of codes; one that is not required may be left out."""
    if not required and not (directory / name).exists():
        return {}
    top = read_toml(directory, name, findings)
    table = _table(top, key, read)
    top.finish()
    return table


def _table(top: Node, key: str, read: Callable[[Node], tuple[str, T]]) -> dict[str, T]:
    """An array of tables by code; a code that stands twice is a finding."""
    table: dict[str, T] = {}
    for node in top.nodes(key, required=True):
        code, value = read(node)
        if code in table:
            node.report(f"code {code!r} stands twice; take one out", "code")
        table[code] = value
        node.finish()
    return table


def _matching(node: Node, key: str, pattern: str, want: str) -> str:
    value = node.text(key)
    if value and not re.fullmatch(pattern, value):
        node.report(f"{key} must be {want}, not {value!r}", key)
    return value


def _pattern(node: Node, key: str) -> str:
    value = node.text(key)
    try:
        re.compile(value)
    except re.error as error:
        node.report(f"{key} is not a regular expression: {error}", key)
    return value


def _timezone(node: Node) -> str:
    name = node.text("timezone")
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        node.report(f"timezone {name!r} is not known; write it like America/La_Paz", "timezone")
    return name


def _office(node: Node, departments: dict[str, str]) -> tuple[str, Office]:
    office = Office(
        code=_matching(node, "code", r"[A-Z0-9][A-Z0-9-]{1,11}", "capital letters, digits, -"),
        name=node.text("name"),
        department=node.text("department"),
        kind=node.choice("kind", OFFICE_KINDS),
    )
    if office.department not in departments:
        node.report(f"department {office.department!r} is not in departments.toml", "department")
    return office.code, office


def _material(node: Node) -> tuple[str, Material]:
    tracking = node.choice("tracking", ("serial", "count", "roll"))
    material = Material(
        code=_matching(node, "code", r"[A-Z0-9][A-Z0-9-]*", "capital letters, digits and -"),
        name_es=node.text("name_es"),
        name_en=node.text("name_en"),
        unit=node.choice("unit", ("piece", "print")),
        tracking=tracking,
        serial_pattern=_pattern(node, "serial_pattern") if tracking == "serial" else None,
        capacity=node.integer("capacity", minimum=1) if tracking == "roll" else None,
        supply=node.text("supply") if tracking == "roll" else None,
        assumed=node.flag("assumed", False),
        source=node.text("source"),
    )
    if (material.unit == "print") != (tracking == "roll"):
        node.report('unit is "print" for rolls and "piece" for all else; correct one', "unit")
    return material.code, material


def _field(node: Node) -> tuple[str, FieldLabel]:
    label = FieldLabel(node.text("name"), node.text("es"), node.text("en"))
    if label.name not in FIELD_NAMES and not re.fullmatch(r"extra\.[a-z_]+", label.name):
        text = f"no request has a field {label.name!r}; a new one is called extra.<name>"
        node.report(text, "name")
    return label.name, label


def _list(node: Node) -> tuple[str, ListType]:
    item = ListType(node.text("code"), node.text("name"), node.text("es"), node.text("en"))
    node.text("source")
    return item.code, item


def _form(node: Node) -> tuple[str, Form]:
    form = Form(
        code=node.text("code"),
        title=node.text("title"),
        documents=node.texts("documents", ()),
        fields=node.texts("fields", ()),
        signatures=node.texts("signatures", ()),
        assumed=node.flag("assumed", False),
        source=node.text("source"),
    )
    return form.code, form


def _holiday(node: Node, departments: dict[str, str]) -> HolidayRule:
    every = node.text("every", "") if node.has("every") else ""
    month_day = None
    if every:
        found = re.fullmatch(r"(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", every)
        if found and every not in {"02-29", "02-30", "02-31", "04-31", "06-31", "09-31", "11-31"}:
            month_day = (int(found.group(1)), int(found.group(2)))
        else:
            node.report(f"every must be a month and day like 08-06, not {every!r}", "every")
    if node.has("date") == node.has("every"):
        node.report("a holiday has either date (one day) or every (each year)")
    rule = HolidayRule(
        name=node.text("name"),
        departments=node.texts("departments", (), departments),
        day=node.day_or_none("date"),
        month_day=month_day,
        from_year=node.integer("from_year") if node.has("from_year") else None,
        to_year=node.integer("to_year") if node.has("to_year") else None,
    )
    node.finish()
    return rule
