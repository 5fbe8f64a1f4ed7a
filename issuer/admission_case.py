"""What admission looks at: one request, the facts gathered for it, and the day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .applications import Application
from .domain import Reason
from .payments import Payment
from .profile import DocumentType, Profile
from .registry import PriorDocument, RegistryRecord

REPLACEABLE = frozenset({"valid", "suspended"})


@dataclass(frozen=True, slots=True)
class AdmissionFacts:
    """What the outside systems and the house know, gathered before the decision.

    ``prior`` are the person's earlier documents from the registry and from the house's own
    store, one per number; ``payment_used_by`` the request that used the slip already, as the
    store or the bank knows; ``portrait_problem`` what the portrait's check found, or None.
    """

    record: RegistryRecord | None = None
    payment: Payment | None = None
    payment_used_by: str | None = None
    on_lists: tuple[str, ...] = ()
    prior: tuple[PriorDocument, ...] = ()
    portrait_problem: Reason | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One request with everything that a check may look at."""

    application: Application
    facts: AdmissionFacts
    profile: Profile
    document: DocumentType
    today: date

    @property
    def earlier(self) -> tuple[PriorDocument, ...]:
        """Earlier documents of the same type that a new one takes the place of."""
        return tuple(
            prior
            for prior in self.facts.prior
            if prior.document_type == self.document.code and prior.state in REPLACEABLE
        )
