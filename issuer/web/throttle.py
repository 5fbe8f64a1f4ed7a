"""How often somebody may try a password. In memory: a restart forgets, an attacker does not gain
more than a few tries by it, and a name is never locked for good (that would be a way to lock a
counter out)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE = 5  # tries without any wait
LONGEST_S = 300.0
FORGET_S = 3600.0
MOST = 10_000  # names remembered; the oldest goes first


@dataclass(slots=True)
class _Tries:
    count: int
    last: float


class Throttle:
    """Tries per key; the wait doubles from one second after the fifth."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock  # monotonic seconds
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def begin(self, key: str) -> float:
        """Seconds that ``key`` must still wait; 0 and the try counts.

        Counted before the password is checked: tries side by side must not all pass.
        """
        now = self._clock()
        tries = self._tries.get(key)
        if tries is None or now - tries.last > FORGET_S:
            tries = self._tries[key] = _Tries(0, now)
        wait = tries.last + self._pause(tries.count) - now
        if wait > 0:
            return wait
        tries.count, tries.last = tries.count + 1, now
        self._tries.move_to_end(key)
        while len(self._tries) > MOST:
            self._tries.popitem(last=False)
        return 0.0

    def succeeded(self, key: str) -> None:
        """The right password: earlier tries no longer count."""
        self._tries.pop(key, None)

    @staticmethod
    def _pause(count: int) -> float:
        return 0.0 if count < FREE else min(2.0 ** min(count - FREE, 20), LONGEST_S)
