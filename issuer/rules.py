"""The dated rules as arithmetic: terms, ages, overdue days, money. Pure: the day is an argument.

Sources and open questions stand with the rules themselves, in the profile's files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from .profile import (
    DocumentType,
    FineRule,
    PriceRule,
    Profile,
    ValidityRule,
)

R = TypeVar("R", ValidityRule, PriceRule, FineRule)

ZERO = Decimal("0.00")


class NoRule(LookupError):  # noqa: N818 - a state of affairs, like LookupError's children
    """The profile has no rule in force on that day; its table must be extended first."""


@dataclass(frozen=True, slots=True)
class CategoryTerm:
    """One row of a licence: a category and its dates, both inclusive."""

    code: str
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Term:
    """How long a document is good, both days inclusive, with a licence's rows."""

    since: date
    until: date
    categories: tuple[CategoryTerm, ...] = ()


@dataclass(frozen=True, slots=True)
class Charge:
    """What a request costs. ``due`` is what the bank slip must show."""

    price: Decimal
    fine: Decimal
    overdue_days: int
    exempt: bool

    @property
    def due(self) -> Decimal:
        """Price and fine together."""
        return self.price + self.fine


def add_years(day: date, years: int) -> date:
    """The same day ``years`` later; 29 February becomes 28 February in an ordinary year.

    A term thus never grows by a day over the years that the rule grants.
    """
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def age_on(birth: date, day: date) -> int:
    """Completed years. Who was born on 29 February completes a year on 1 March otherwise.

    On 28 February the anniversary has not come yet: the year is completed the day after.
    """
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def birthday(birth: date, age: int) -> date:
    """The day on which ``age`` is completed: :func:`age_on` changes on it."""
    try:
        return birth.replace(year=birth.year + age)
    except ValueError:
        return date(birth.year + age, 3, 1)


def in_force(rules: Iterable[R], day: date, what: str) -> R:
    """The one rule that covers ``day``. Raises :class:`NoRule`."""
    for rule in rules:
        if rule.covers(day):
            return rule
    raise NoRule(f"no rule of {what} covers {day}; extend the table in the profile")


def _limit_passed_on(rule: ValidityRule, birth: date) -> date:
    """The first day on which the person stands above the limit.

    ``at_limit`` "below": the whole year at the exact age still counts as below.
    """
    return birthday(birth, rule.limit_age + (rule.at_limit == "below"))


def term_by_age(rule: ValidityRule, birth: date, day: date) -> date:
    """The end of a term that depends on age, for a document issued on ``day``."""
    passed = _limit_passed_on(rule, birth)
    shorter, longer = add_years(day, rule.years_above), add_years(day, rule.years_below)
    if day >= passed:
        return shorter
    if rule.crossing == "full" or longer < passed:
        return longer
    if rule.crossing == "shorter":
        return shorter
    return max(shorter, min(longer, passed - timedelta(days=1)))


def end_of(rule: ValidityRule, birth: date, day: date, permit_until: date | None) -> date:
    """The last day of a document issued on ``day`` under one rule."""
    match rule.method:
        case "years":
            return add_years(day, rule.years)
        case "by_age":
            return term_by_age(rule, birth, day)
        case "fixed_date" if rule.until is not None:
            return rule.until
        case "permit" if permit_until is not None:
            return permit_until
    raise NoRule(f"validity by {rule.method} lacks its date; give the request a permit")


def rule_for(document: DocumentType, day: date, category: str | None = None) -> ValidityRule:
    """The rule of validity in force for a document or one of its categories."""
    rules = [r for r in document.validity if not r.categories or category in r.categories]
    what = f"validity of {document.code}" + (f", category {category}" if category else "")
    return in_force(rules, day, what)


def term(
    document: DocumentType,
    birth: date,
    day: date,
    *,
    categories: Sequence[tuple[str, date | None]] = (),
    permit_until: date | None = None,
    earlier_until: date | None = None,
    required_until: date | None = None,
) -> Term:
    """How long a document issued on ``day`` is good.

    ``categories`` are codes with the day since which they were held (None: new today).
    ``earlier_until`` is the end of the card that a replacement takes the place of, None if this
    is none or the rule gives a full term; ``required_until`` caps it. Raises NoRule.
    """

    def end(category: str | None) -> date:
        rule = rule_for(document, day, category)
        last = end_of(rule, birth, day, permit_until)
        if earlier_until is not None and rule.replacement == "remaining":
            last = earlier_until
        return last if required_until is None else min(last, required_until)

    if not categories:
        return Term(day, end(None))
    rows = tuple(CategoryTerm(code, since or day, end(code)) for code, since in categories)
    choose = max if document.card_until == "latest" else min
    return Term(day, choose(row.until for row in rows), rows)


def overdue_days(
    until: date, day: date, holidays: frozenset[date], *, weekends: bool = True
) -> int:
    """Days after ``until`` up to and including ``day``, without holidays (and weekends).

    ``holidays`` are those of one department only: others' days of rest count as overdue.
    """
    days = (day - until).days
    if days <= 0:
        return 0
    late = (until + timedelta(days=n) for n in range(1, days + 1))
    return sum(1 for d in late if d not in holidays and (weekends or d.weekday() < 5))


def charge(
    profile: Profile,
    document: DocumentType,
    kind: str,
    day: date,
    *,
    status: str | None = None,
    department: str | None = None,
    overdue_since: date | None = None,
) -> Charge:
    """What a request costs on ``day``.

    ``status`` is the permit's (exemptions), ``department`` whose holidays do not count,
    ``overdue_since`` the last day of the earlier card if it has run out. Raises NoRule, and
    CalendarEnds where the holidays of those days are not known.
    """
    prices = [rule for rule in document.prices if not rule.kinds or kind in rule.kinds]
    price = in_force(prices, day, f"price of {document.code}").amount
    fine, days = ZERO, 0
    if document.fines and overdue_since is not None and overdue_since < day:
        rule = in_force(document.fines, day, f"fine of {document.code}")
        holidays = profile.holidays(department or "", overdue_since + timedelta(days=1), day)
        days = overdue_days(overdue_since, day, holidays, weekends=rule.weekends)
        fine = rule.per_day * days
    free = free_of(document, status, day)
    return Charge(
        price=ZERO if "price" in free else price,
        fine=ZERO if "fine" in free else fine,
        overdue_days=days,
        exempt="price" in free,
    )


def free_of(document: DocumentType, status: str | None, day: date) -> frozenset[str]:
    """What a permit's status frees from: "price", "fine", both or nothing."""
    return frozenset(
        item
        for rule in document.exemptions
        if status in rule.statuses and rule.covers(day)
        for item in rule.free_of
    )
