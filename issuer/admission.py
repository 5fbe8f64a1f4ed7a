"""Admission: may this request be issued, until when, for how much, and what does it replace.

Pure: the day is an argument and what the outside systems say comes as facts. A refusal carries
all reasons, not only the first: nobody should stand in line once per mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .admission_case import AdmissionFacts, Case
from .admission_checks import CHECKS
from .admission_rights import payment, required_until
from .applications import Application
from .domain import Reason
from .profile import CalendarEnds, Profile, UnknownCode
from .rules import CategoryTerm, Charge, NoRule, Term, charge, term

__all__ = ["AdmissionFacts", "Admitted", "Refused", "admit"]


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may be issued. Both days of validity are inclusive.

    ``replaces`` are the numbers of the person's earlier documents of this type: they become
    *replaced* on delivery; ``suspend_now`` those declared lost: suspended at once.
    ``payment`` is the slip that this request uses up, None when nothing is due.
    """

    request_id: str
    document_type: str
    valid_from: date
    valid_until: date | None
    price: Decimal
    fine: Decimal
    overdue_days: int
    exempt: bool
    payment: str | None = None
    categories: tuple[CategoryTerm, ...] = ()
    replaces: tuple[str, ...] = ()
    suspend_now: tuple[str, ...] = ()

    @property
    def due(self) -> Decimal:
        """Price and fine together."""
        return self.price + self.fine


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that may not be issued, with every reason in words for the citizen."""

    request_id: str
    reasons: tuple[Reason, ...]


def admit(
    application: Application, facts: AdmissionFacts, profile: Profile, today: date
) -> Admitted | Refused:
    """Decides on one request. ``today`` is the office's business day. Raises nothing."""
    try:
        document = profile.document(application.document_type)
    except UnknownCode:
        unknown = Reason(
            "unknown_document", "Este documento no se emite.", "This document is not issued."
        )
        return Refused(application.request_id, (unknown,))
    case = Case(application, facts, profile, document, today)
    reasons = [reason for check in CHECKS for reason in check(case)]
    try:
        costs = _charge(case)
        reasons += payment(case, costs)
        # A term needs sound dates, categories and permits; with reasons there is none to give.
        span = None if reasons else _term(case)
    except (NoRule, CalendarEnds):
        reasons.append(
            Reason(
                "rule_missing",
                "Las reglas vigentes no cubren esta fecha; avise al administrador del sistema.",
                "The rules in force do not cover this date; tell the system's administrator.",
            )
        )
        span = None
    if span is not None and span.until < today:
        reasons.append(
            Reason(
                "no_validity_left",
                "El documento no tendría vigencia; pida una renovación.",
                "The document would not be valid for a day; ask for a renewal.",
            )
        )
    if reasons or span is None:
        return Refused(application.request_id, tuple(dict.fromkeys(reasons)))
    return _admitted(case, costs, span)


def _charge(case: Case) -> Charge:
    """What is due; the earlier card's end starts the overdue days."""
    permit = case.application.permit
    ends = [prior.valid_until for prior in case.earlier if prior.valid_until is not None]
    office = case.profile.offices.get(case.application.office)
    department = permit.department if permit else office.department if office else None
    return charge(
        case.profile,
        case.document,
        case.application.kind,
        case.today,
        status=permit.status if permit else None,
        department=department,
        overdue_since=max(ends, default=None),
    )


def _term(case: Case) -> Term:
    """From when to when it is good."""
    application, document = case.application, case.document
    ends = [prior.valid_until for prior in case.earlier if prior.valid_until is not None]
    held = [until for code in document.requires if (until := required_until(case, code))]
    return term(
        document,
        application.person.birth_date,
        case.today,
        categories=[(category.code, category.since) for category in application.categories],
        permit_until=application.permit.until if application.permit else None,
        earlier_until=max(ends, default=None) if application.kind == "replacement" else None,
        required_until=min(held, default=None) if document.ends_with_required else None,
    )


def _admitted(case: Case, costs: Charge, span: Term) -> Admitted:
    application, lost = case.application, case.application.lost
    replaced = tuple(prior.number for prior in case.earlier) if case.document.unique else ()
    declared = replaced if lost and lost.document_number is None else ()
    if lost and lost.document_number is not None:
        declared = (lost.document_number,)
    return Admitted(
        request_id=application.request_id,
        document_type=case.document.code,
        valid_from=span.since,
        valid_until=span.until,
        price=costs.price,
        fine=costs.fine,
        overdue_days=costs.overdue_days,
        exempt=costs.exempt,
        payment=application.payment if costs.due else None,
        categories=span.categories,
        replaces=replaced,
        suspend_now=declared,
    )
