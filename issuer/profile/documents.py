"""One document type from its file: what it is, what it needs, what it uses up, its dated rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from .dated import Dated, ExemptionRule, FineRule, PriceRule, ValidityRule
from .model import BillLine, Category, DocumentType, Faces, Material
from .reader import Node

KINDS = ("new", "renewal", "replacement")


@dataclass(frozen=True, slots=True)
class Known:
    """What a document may refer to."""

    directory: Path
    materials: Mapping[str, Material]
    fields: frozenset[str]
    lists: frozenset[str]


def read_document(node: Node, known: Known) -> DocumentType:
    """Reads one document; its problems go to the node's findings."""
    kinds = node.texts("kinds", KINDS, KINDS)
    permits = node.texts("permit_statuses", ())
    categories = tuple(_category(item) for item in node.nodes("category"))
    produces = node.choice("produces", ("card", "form", "file"))
    bill = tuple(_bill_line(item, known) for item in node.nodes("bill"))
    document = DocumentType(
        code=node.text("code"),
        name_es=node.text("name_es"),
        name_en=node.text("name_en"),
        prefix=node.text("prefix"),
        produces=produces,
        laminated=node.flag("laminated", False),
        kinds=kinds,
        printer_models=node.texts("printer_models", ()),
        blank_material=node.text("blank_material") if node.has("blank_material") else None,
        bill=bill,
        faces=_faces(node, known.directory),
        fields=node.texts("fields", (), known.fields),
        lists=node.texts("lists", (), known.lists),
        portrait=node.flag("portrait", True),
        unique=node.flag("unique", True),
        consolidated=node.flag("consolidated", False),
        record_for=node.texts("record_for", kinds, kinds),
        requires=node.texts("requires", ()),
        ends_with_required=node.flag("ends_with_required", False),
        permit_statuses=permits,
        categories=categories,
        card_until=node.choice("card_until", ("latest", "earliest"), "latest"),
        validity=_validity(node, tuple(c.code for c in categories)),
        prices=_prices(node, kinds),
        fines=_fines(node),
        exemptions=_exemptions(node, permits),
        assumed=node.texts("assumed", ()),
    )
    _check(node, document, known)
    return document


def _check(node: Node, document: DocumentType, known: Known) -> None:
    """What the parts of one document promise each other."""
    if document.code and not re.fullmatch(r"[A-Z][A-Z0-9]{1,9}", document.code):
        node.report("code must be 2 to 10 capital letters or digits", "code")
    if document.prefix and not re.fullmatch(r"[A-Z]", document.prefix):
        node.report(f"prefix must be one capital letter, not {document.prefix!r}", "prefix")
    if document.ends_with_required and not document.requires:
        node.report("ends_with_required needs requires", "ends_with_required")
    if document.produces == "file":
        if document.bill or document.blank_material or document.printer_models:
            node.report("a file uses no material and no printer: take them out", "produces")
        return
    if not document.printer_models:
        node.report("printer_models is missing; name the models that may print it")
    if document.blank_material is None:
        node.report("blank_material is missing; name the blank that it is printed on")
    elif [line.quantity for line in document.bill if line.material == document.blank_material] != [
        1
    ]:
        node.report("the bill must hold blank_material once, quantity 1", "blank_material")
    elif known.materials.get(document.blank_material, None) is None:
        node.report(f"{document.blank_material!r} is not in materials.toml", "blank_material")
    elif known.materials[document.blank_material].tracking == "roll":
        node.report("a blank is counted by serial or by piece, not by roll", "blank_material")


def _category(node: Node) -> Category:
    category = Category(
        code=node.text("code"),
        name_es=node.text("name_es"),
        name_en=node.text("name_en"),
        min_age=node.integer("min_age"),
        assumed=node.flag("assumed", False),
    )
    node.finish()
    return category


def _bill_line(node: Node, known: Known) -> BillLine:
    line = BillLine(
        material=node.text("material"),
        quantity=node.integer("quantity", minimum=1),
        unit=node.text("unit"),
        assumed=node.flag("assumed", False),
    )
    material = known.materials.get(line.material)
    if material is None:
        node.report(f"material {line.material!r} is not in materials.toml", "material")
    elif material.unit != line.unit:
        node.report(f"{line.material} is counted by {material.unit}, not {line.unit}", "unit")
    node.finish()
    return line


def _faces(node: Node, directory: Path) -> Faces:
    table = node.node("faces")
    front = table.text("front")
    back = table.text("back") if table.has("back") else None
    for key, name in (("front", front), ("back", back)):
        if name and not (directory / name).is_file():
            table.report(f"face file {name} is missing; add it or correct its name", key)
    table.finish()
    return Faces(directory / front, directory / back if back else None)


def _dated(node: Node) -> Dated:
    """The part that all dated rules share."""
    rule = Dated(
        valid_from=node.day("valid_from"),
        valid_to=node.day_or_none("valid_to"),
        source=node.text("source"),
        assumed=node.flag("assumed", False),
    )
    if rule.valid_to is not None and rule.valid_to < rule.valid_from:
        node.report("valid_to is before valid_from; correct one", "valid_to")
    return rule


def _unbroken(rules: Sequence[tuple[Node, Dated]], what: str) -> None:
    """Each day has exactly one rule: gaps and overlaps are findings at the later row."""
    ordered = sorted(rules, key=lambda pair: pair[1].valid_from)
    for (_, before), (node, after) in pairwise(ordered):
        if before.valid_to is None or before.valid_to >= after.valid_from:
            until = before.valid_to or "an open end"
            node.report(
                f"{what}: overlaps the row from {before.valid_from} to {until}; "
                f"end that one on {after.valid_from - timedelta(days=1)}",
                "valid_from",
            )
        elif before.valid_to + timedelta(days=1) < after.valid_from:
            first, last = before.valid_to + timedelta(days=1), after.valid_from - timedelta(days=1)
            node.report(f"{what}: no row covers {first} to {last}; close the gap", "valid_from")


def _validity(top: Node, categories: tuple[str, ...]) -> tuple[ValidityRule, ...]:
    pairs = [(node, _validity_rule(node, categories)) for node in top.nodes("validity", True)]
    for group in categories or ("",):
        mine = [(n, r) for n, r in pairs if not r.categories or not group or group in r.categories]
        _unbroken(mine, f"validity of {group}" if group else "validity")
        if pairs and not mine:
            top.report(f"validity: no row for category {group}; add one", "validity")
    return tuple(rule for _, rule in pairs)


def _validity_rule(node: Node, categories: tuple[str, ...]) -> ValidityRule:
    base = _dated(node)
    method = node.choice("method", ("years", "by_age", "permit", "fixed_date"))
    by_age = method == "by_age"
    rule = ValidityRule(
        valid_from=base.valid_from,
        valid_to=base.valid_to,
        source=base.source,
        assumed=base.assumed,
        method=method,
        categories=node.texts("categories", (), categories),
        years=node.integer("years", minimum=1) if method == "years" else 0,
        limit_age=node.integer("limit_age", minimum=1) if by_age else 0,
        years_below=node.integer("years_below", minimum=1) if by_age else 0,
        years_above=node.integer("years_above", minimum=1) if by_age else 0,
        at_limit=node.choice("at_limit", ("below", "above")) if by_age else "below",
        crossing=node.choice("crossing", ("full", "cut", "shorter")) if by_age else "full",
        until=node.day("until") if method == "fixed_date" else None,
        replacement=node.choice("replacement", ("full", "remaining"), "full"),
    )
    if rule.until is not None and (rule.valid_to is None or rule.until < rule.valid_to):
        node.report("a fixed date needs a valid_to, and until must not be before it", "until")
    if by_age and rule.years_above > rule.years_below:
        node.report("years_above must not exceed years_below", "years_above")
    node.finish()
    return rule


def _prices(top: Node, kinds: tuple[str, ...]) -> tuple[PriceRule, ...]:
    pairs = []
    for node in top.nodes("price", True):
        base = _dated(node)
        amount, only = node.money("amount"), node.texts("kinds", (), kinds)
        rule = PriceRule(base.valid_from, base.valid_to, base.source, base.assumed, amount, only)
        pairs.append((node, rule))
        node.finish()
    for kind in kinds:
        mine = [(n, r) for n, r in pairs if not r.kinds or kind in r.kinds]
        _unbroken(mine, f"price ({kind})")
        if pairs and not mine:
            top.report(f"price: no row for kind {kind}; add one", "price")
    return tuple(rule for _, rule in pairs)


def _fines(top: Node) -> tuple[FineRule, ...]:
    pairs = []
    for node in top.nodes("fine"):
        base = _dated(node)
        per_day, weekends = node.money("per_day"), node.flag("weekends", True)
        rule = FineRule(
            base.valid_from, base.valid_to, base.source, base.assumed, per_day, weekends
        )
        pairs.append((node, rule))
        node.finish()
    _unbroken(pairs, "fine")
    return tuple(rule for _, rule in pairs)


def _exemptions(top: Node, statuses: tuple[str, ...]) -> tuple[ExemptionRule, ...]:
    pairs = []
    for node in top.nodes("exemption"):
        base = _dated(node)
        who = node.texts("statuses", None, statuses)
        free_of = node.texts("free_of", None, ("price", "fine"))
        pairs.append(
            (
                node,
                ExemptionRule(
                    base.valid_from, base.valid_to, base.source, base.assumed, who, free_of
                ),
            )
        )
        node.finish()
    return tuple(rule for _, rule in pairs)
