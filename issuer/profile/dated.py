"""Rules that hold from one day to another: validity, price, fines, exemptions, holidays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Dated:
    """A rule in force from ``valid_from`` to ``valid_to``, both inclusive; None is open."""

    valid_from: date
    valid_to: date | None
    source: str
    assumed: bool

    def covers(self, day: date) -> bool:
        """Whether the rule is in force on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class ValidityRule(Dated):
    """How long a document is good.

    ``method``: "years" (``years``), "by_age" (``years_below``/``years_above`` around
    ``limit_age``), "permit" (ends with the permit), "fixed_date" (``until``). ``categories``
    empty means all. ``at_limit`` says on which side the exact age stands ("below"/"above"),
    ``crossing`` what happens when the longer term passes the limit: "full" (nothing), "cut"
    (ends on the birthday, yet never before the shorter term), "shorter".
    ``replacement``: "full" starts a new term, "remaining" keeps the earlier card's end.
    """

    method: str
    categories: tuple[str, ...] = ()
    years: int = 0
    limit_age: int = 0
    years_below: int = 0
    years_above: int = 0
    at_limit: str = "below"
    crossing: str = "full"
    until: date | None = None
    replacement: str = "full"


@dataclass(frozen=True, slots=True)
class PriceRule(Dated):
    """A price; ``kinds`` empty means all kinds of request."""

    amount: Decimal
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FineRule(Dated):
    """The fine for each overdue day; ``weekends``: whether Saturdays and Sundays count."""

    per_day: Decimal
    weekends: bool = True


@dataclass(frozen=True, slots=True)
class ExemptionRule(Dated):
    """Permit statuses that are free of price, fine, or both (``free_of``)."""

    statuses: tuple[str, ...]
    free_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HolidayRule:
    """A holiday: one ``day``, or each year's ``month_day`` within the years given.

    ``departments`` empty means all of them.
    """

    name: str
    departments: tuple[str, ...]
    day: date | None
    month_day: tuple[int, int] | None
    from_year: int | None
    to_year: int | None

    def days(self, first: date, last: date) -> Iterable[date]:
        """The days of this holiday from ``first`` to ``last``, both inclusive."""
        if self.day is not None:
            if first <= self.day <= last:
                yield self.day
        elif self.month_day is not None:
            start = max(first.year, self.from_year or first.year)
            for year in range(start, min(last.year, self.to_year or last.year) + 1):
                day = date(year, *self.month_day)
                if first <= day <= last:
                    yield day
