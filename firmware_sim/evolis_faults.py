"""Faults of a simulated Evolis machine: by hand, after a number of cards, or seeded.

A fault is a word; the machine asks for it at the place where it would strike.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

NOW = {
    "cover_open": "someone opens the cover; mend closes it",
    "hopper_empty": "the blanks are taken out of the hopper; mend puts them back",
    "reject_full": "the reject box is full; take_reject empties it",
    "power_cut": "the process ends at once; start it again with the same --out",
    "tcp_reset": "the host's connection is reset",
}
ON_CARD = {
    "misfeed": "a blank slips to the tray unprinted, the next one is printed",
    "jam": "the card stops in mid printing",
    "ribbon_ended": "the ribbon ends in mid card; mend fits a new one",
    "film_ended": "the retransfer film ends in mid card; mend fits a new one",
    "nack": "the next frame of a job is refused (NACK T)",
    "slow": "the card takes five times as long",
}
ALL = NOW | ON_CARD
SEEDED = ("misfeed", "jam", "ribbon_ended", "tcp_reset", "slow")


@dataclass(slots=True)
class Faults:
    """Armed faults: name → how many more cards go well before it strikes."""

    seeded: tuple[int, float] | None = None
    armed: dict[str, int] = field(default_factory=dict)

    def arm(self, name: str, after_cards: int) -> None:
        """Arms a fault; 0 strikes the card that is being printed, or the next one."""
        self.armed[name] = after_cards

    def strikes(self, name: str) -> bool:
        """Whether ``name`` strikes here and now; it strikes once."""
        if self.armed.get(name) != 0:
            return False
        del self.armed[name]
        return True

    def card_done(self, number: int) -> None:
        """Counts a card that left the machine; may arm a seeded fault for the next one."""
        self.armed = {name: max(0, left - 1) for name, left in self.armed.items()}
        if self.seeded is None:
            return
        seed, rate = self.seeded
        dice = random.Random(f"{seed}:{number}")  # the same cards fail in each run of a seed
        if dice.random() < rate:
            self.armed.setdefault(dice.choice(SEEDED), 0)
