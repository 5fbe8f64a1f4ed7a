"""Opening, what came, what left, closing: the balance of the facts on custody. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .ledger import Balances, Place, PlaceKind

_LEAVES = {
    PlaceKind.ISSUED: "issued",
    PlaceKind.CONSUMED: "issued",
    PlaceKind.SPOILED: "spoiled",
    PlaceKind.QUARANTINE: "spoiled",
    PlaceKind.DESTROYED: "destroyed",
    PlaceKind.LOST: "lost",
}


@dataclass(frozen=True, slots=True)
class Flow:
    """Movements of a material from one place to another, summed."""

    material: str
    source: Place
    target: Place
    quantity: int


@dataclass(frozen=True, slots=True)
class Line:
    """One material of one office over one period, in whole units of usable stock.

    Usable is what stands in stores and hoppers and what awaits inspection. ``spoiled`` is what
    left it for the quarantine or as spoiled, less what came back; what is there now is in
    ``held``. A correction counts against what it corrects.
    """

    material: str
    opening: int = 0
    received: int = 0
    transfers_in: int = 0
    issued: int = 0  # with a document; panels and pouches that any print used up
    spoiled: int = 0
    transfers_out: int = 0
    destroyed: int = 0
    lost: int = 0
    closing: int = 0
    counted: int | None = None  # by people or machine counters; None: nobody counted
    held: Mapping[str, int] = field(default_factory=dict)  # every place inside the house, now

    @property
    def expected(self) -> int:
        """Closing by the movements; ``closing`` itself is from the running balances."""
        came = self.opening + self.received + self.transfers_in
        left = self.issued + self.spoiled + self.transfers_out + self.destroyed + self.lost
        return came - left

    @property
    def balanced(self) -> bool:
        """The balance holds, and the count (if there is one) agrees."""
        return self.expected == self.closing and self.counted in (None, self.closing)

    def to_json(self) -> dict[str, Any]:
        """For reports and summary.json."""
        names = "material opening received transfers_in issued spoiled transfers_out destroyed lost"
        plain = {name: getattr(self, name) for name in names.split()}
        rest = {"closing": self.closing, "counted": self.counted, "balanced": self.balanced}
        return {**plain, **rest, "held": dict(self.held)}


def summarise(flows: Iterable[Flow], before: Iterable[Flow], books: Balances) -> list[Line]:
    """One line per material. ``before``: flows before the period; ``books``: at its end."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for flow in before:
        change = flow.quantity * (flow.target.usable - flow.source.usable)
        sums[flow.material]["opening"] += change
    for flow in flows:
        _count(sums[flow.material], flow)
    held: dict[str, dict[str, int]] = defaultdict(dict)
    for (place, material), quantity in books.items():
        if place.own:
            held[material][str(place)] = quantity
            sums[material]["closing"] += quantity * place.usable
    return [
        Line(material, **sums[material], held=dict(sorted(held[material].items())))
        for material in sorted(sums)
    ]


def with_counts(lines: Iterable[Line], counted: Mapping[str, int]) -> list[Line]:
    """Adds what was counted, per material, in usable places."""
    return [replace(line, counted=counted.get(line.material)) for line in lines]


def _count(sums: dict[str, int], flow: Flow) -> None:
    """A flow across the border of usable stock counts once; one inside or outside it does not."""
    if flow.source.usable == flow.target.usable:
        return
    inward = flow.target.usable
    other = flow.source if inward else flow.target
    if other.kind is PlaceKind.SUPPLIER:
        sums["received"] += flow.quantity if inward else -flow.quantity
    elif other.kind is PlaceKind.TRANSIT:
        usable = flow.target if inward else flow.source
        sent = other.name.partition(">")[0] == usable.name  # by us; else to us
        sign = 1 if inward != sent else -1
        sums["transfers_out" if sent else "transfers_in"] += sign * flow.quantity
    else:
        sums[_LEAVES[other.kind]] += -flow.quantity if inward else flow.quantity
