"""What can go wrong with a simulated paper printer: conditions that last and faults that wait.

Works on the body's state; making it durable is the machine's business.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from typing import Any, NoReturn

from firmware_sim.control import ControlError

STOPPING = ("jam", "media_empty", "cover_open", "toner_empty")
HARMLESS = ("toner_low", "media_low")
ON_SHEET = ("jam", "misfeed")  # strike while a form is on its way
ON_LINE = ("lose_answer", "reset")  # strike at the next Print-Job
FAULTS = tuple(dict.fromkeys((*STOPPING, *HARMLESS, *ON_SHEET, *ON_LINE, "power_cut")))
RANDOM = ("jam", "misfeed", "cover_open", "media_empty")


class Faults:
    """Reads and writes ``conditions`` (names) and ``armed`` ([name, cards still to come])."""

    def __init__(self, state: dict[str, Any], seeded: tuple[int, float] | None) -> None:
        self._state, self._seeded = state, seeded

    def stopping(self) -> list[str]:
        """Conditions that keep the motor from turning."""
        return [name for name in self._state["conditions"] if name in STOPPING]

    def due(self, name: str) -> bool:
        """Whether a fault of that name strikes now; it strikes once."""
        if [name, 0] not in self._state["armed"]:
            return False
        self._state["armed"].remove([name, 0])
        return True

    def on_sheet(self) -> set[str]:
        """What strikes the sheet that is about to be picked: by hand, or by the dice."""
        found = {name for name in ON_SHEET if self.due(name)}
        if self._seeded is not None:
            seed, rate = self._seeded
            # The seed and the count of forms make a run repeatable, restarts included.
            dice = random.Random(f"{seed}:{self._state['laid']}")
            if dice.random() < rate:
                self._roll(dice.choice(RANDOM), found)
        return found

    def _roll(self, name: str, found: set[str]) -> None:
        if name in ON_SHEET:
            found.add(name)
        else:
            self.begin(name)

    def card_left(self) -> None:
        """Counts armed faults down; those that are due and need no sheet strike."""
        state = self._state
        state["armed"] = [[name, max(left - 1, 0)] for name, left in state["armed"]]
        for name, left in list(state["armed"]):
            if left == 0 and name not in (*ON_SHEET, *ON_LINE):
                state["armed"].remove([name, left])
                self.begin(name)

    def begin(self, name: str) -> None:
        """A condition that lasts until somebody mends it; a power cut lasts until the restart."""
        if name not in self._state["conditions"]:
            self._state["conditions"].append(name)

    def arm(self, name: str, cards: int) -> None:
        """``cards`` 0 is now. Raises ControlError for a name that does not exist."""
        if name not in FAULTS:
            raise ControlError(f"no fault {name!r}; there are: {', '.join(FAULTS)}")
        if cards == 0 and name not in (*ON_SHEET, *ON_LINE):
            self.begin(name)
        else:
            self._state["armed"].append([name, cards])

    def mend(self, names: Iterable[str]) -> None:
        """Ends conditions of these names, all of them if none is given."""
        wanted = set(names)
        kept = [name for name in self._state["conditions"] if wanted and name not in wanted]
        self._state["conditions"] = kept


def power_cut() -> NoReturn:
    """Ends the process at once, as a plug pulled out does."""
    os._exit(137)
