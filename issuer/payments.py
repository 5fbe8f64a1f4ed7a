"""Payments by bank slip: the port, and a stand-in read from a CSV file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from .tables import read_table


@dataclass(frozen=True, slots=True)
class Payment:
    """A slip as the bank reports it. ``used_by``: the request that it already paid for."""

    slip: str
    amount: Decimal
    paid_on: date
    person_id: str | None  # whom it was paid for; None: the slip does not say
    document_type: str | None  # what it was paid for; None: the slip does not say
    used_by: str | None = None


class PaymentsUnavailable(Exception):  # noqa: N818
    """The outside system does not answer. Transient: the request waits, it is not refused."""


class Payments(Protocol):
    """Asks for bank slips.

    That a slip pays once is the house's own promise: the store marks it used in the transaction
    that admits the request. ``used_by`` says what the outside system knows besides.
    """

    async def find(self, slip: str) -> Payment | None:
        """The payment of a slip, or None. Raises PaymentsUnavailable."""


class CsvPayments:
    """Payments from a file: ``slip, amount, paid_on, person_id, document_type, used_by``."""

    def __init__(self, payments: dict[str, Payment]) -> None:
        self._payments = payments

    @classmethod
    def load(cls, path: Path) -> CsvPayments:
        """Reads the file. Raises TableError naming file and line."""
        payments: dict[str, Payment] = {}
        for row in read_table(path, _COLUMNS):
            slip = row.text("slip")
            if slip in payments:
                raise row.error("slip", "stands twice; take one row out")
            payments[slip] = Payment(
                slip=slip,
                amount=row.money("amount"),
                paid_on=row.day("paid_on"),
                person_id=row.optional("person_id"),
                document_type=row.optional("document_type"),
                used_by=row.optional("used_by"),
            )
        return cls(payments)

    async def find(self, slip: str) -> Payment | None:
        """The payment, at once."""
        return self._payments.get(slip)

    def __len__(self) -> int:
        return len(self._payments)


_COLUMNS = ("slip", "amount", "paid_on", "person_id", "document_type", "used_by")
