"""The outside systems together: their embedded stand-ins, and what admission asks of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .admission_case import AdmissionFacts
from .applications import Application
from .domain import Reason
from .lists import CsvLists, Lists
from .payments import CsvPayments, Payments
from .profile import Profile
from .registry import CsvRegistry, PriorDocument, Registry


@dataclass(frozen=True, slots=True)
class Outside:
    """Registry, payments and lists, whoever stands behind them."""

    registry: Registry
    payments: Payments
    lists: Lists


def load_outside(directory: Path, profile: Profile) -> Outside:
    """Stand-ins from ``registry.csv``, ``payments.csv`` and a file per list of the profile.

    Raises TableError naming file and line.
    """
    return Outside(
        CsvRegistry.load(directory / "registry.csv"),
        CsvPayments.load(directory / "payments.csv"),
        CsvLists.load(directory, profile.lists),
    )


async def gather_facts(
    application: Application,
    outside: Outside,
    profile: Profile,
    *,
    own_prior: Iterable[PriorDocument] = (),
    payment_used_by: str | None = None,
    portrait_problem: Reason | None = None,
) -> AdmissionFacts:
    """Asks every system once. ``own_prior`` are documents that the house itself issued.

    What the house knows of a document outweighs the registry. Raises RegistryUnavailable,
    PaymentsUnavailable or ListsUnavailable: then the request waits, it is not refused.
    """
    person_id = application.person.person_id
    record = await outside.registry.find(person_id)
    slip = application.payment
    prior = {p.number: p for p in (record.prior if record else ())}
    prior |= {p.number: p for p in own_prior}
    known = profile.documents.get(application.document_type)
    return AdmissionFacts(
        record=record,
        payment=await outside.payments.find(slip) if slip else None,
        payment_used_by=payment_used_by,
        on_lists=await outside.lists.on_lists(person_id, known.lists if known else ()),
        prior=tuple(prior.values()),
        portrait_problem=portrait_problem,
    )
