"""Time is injected: aware UTC now, and the business day of an office."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """``now()`` in UTC and ``today()`` where the offices are.

    ``business_date`` fixes the day for a replayed day (the samples); None follows the clock.
    """

    zone: str = "America/La_Paz"
    business_date: date | None = None
    source: Callable[[], datetime] = field(default=utc_now)

    def now(self) -> datetime:
        """Aware UTC."""
        return self.source()

    def today(self) -> date:
        """The agency's calendar day."""
        return self.business_date or self.now().astimezone(ZoneInfo(self.zone)).date()
