"""What an auditor asks of a list of movements: pure functions that return findings.

Numbers refer to the checks in the facts on custody; those that need shifts, acts and counts come
with them. The store refuses most of this when posting; these prove it afterwards, from the lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .ledger import SUPPLIER, Balances, Movement, Place, PlaceKind, balance


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in the books. ``code`` is stable; ``evidence`` names lines, serials."""

    code: str
    subject: str  # material, or material and serial
    evidence: str
    es: str
    en: str


def books_agree(movements: Sequence[Movement], books: Balances) -> list[Finding]:
    """Checks 1 and 24: the running balances of an office are what its movements add up to."""
    sums = balance(movements)
    keys = sorted(sums.keys() | books.keys(), key=lambda key: (key[1], str(key[0])))
    return [
        Finding(
            "books_disagree",
            material,
            f"{place}: books {books.get((place, material), 0)}, "
            f"movements {sums.get((place, material), 0)}",
            "El saldo no es la suma de los movimientos.",
            "The balance is not the sum of the movements.",
        )
        for place, material in keys
        if sums.get((place, material), 0) != books.get((place, material), 0)
    ]


def never_negative(movements: Sequence[Movement]) -> list[Finding]:
    """Check 1, line by line: no place inside the house ever gave what it did not have."""
    held: dict[tuple[Place, str], int] = defaultdict(int)
    found = []
    for line, movement in enumerate(movements, 1):
        key = movement.source, movement.material
        held[key] -= movement.quantity
        held[movement.target, movement.material] += movement.quantity
        if movement.source.own and held[key] < 0:
            found.append(
                Finding(
                    "negative",
                    movement.material,
                    f"line {line}: {movement.source} has {held[key]}",
                    "Salió más material del que había.",
                    "More material left than there was.",
                )
            )
    return found


def one_serial_one_place(movements: Sequence[Movement]) -> list[Finding]:
    """Checks 3 and 4: a serial enters once, and leaves from where it last was."""
    at: dict[tuple[str, str], Place] = {}
    found = []
    for line, movement in enumerate(movements, 1):
        if movement.serial is None:
            continue
        key = movement.material, movement.serial
        was = at.get(key, SUPPLIER)
        arrives = key not in at and movement.source.kind is PlaceKind.TRANSIT
        if movement.source != was and not arrives:
            found.append(
                Finding(
                    "serial_elsewhere",
                    " ".join(key),
                    f"line {line}: taken from {movement.source}, was at {was}",
                    "El número de serie no estaba donde se tomó.",
                    "The serial was not where it was taken from.",
                )
            )
        at[key] = movement.target
    return found


def issued_for_a_document(movements: Sequence[Movement]) -> list[Finding]:
    """Check 6: what was issued belongs to exactly one document, and the reverse."""
    by_document: dict[tuple[str, str], str] = {}
    found = []
    for line, movement in enumerate(movements, 1):
        if movement.target.kind is not PlaceKind.ISSUED or movement.serial is None:
            continue
        number = movement.document_number
        other = by_document.setdefault((movement.material, number or ""), movement.serial)
        if number is None or other != movement.serial:
            found.append(
                Finding(
                    "issued_without_document" if number is None else "two_blanks_one_document",
                    f"{movement.material} {movement.serial}",
                    f"line {line}" if number is None else f"line {line}: also {other}",
                    "Un material emitido no corresponde a un solo documento.",
                    "An issued blank does not belong to exactly one document.",
                )
            )
    return found


def spoiled_with_cause(movements: Sequence[Movement]) -> list[Finding]:
    """Check 7: every spoiled or quarantined piece has a reason."""
    return [
        Finding(
            "no_reason",
            f"{movement.material} {movement.serial or ''}".rstrip(),
            f"line {line}",
            "Material inutilizado sin causa.",
            "Spoiled material without a reason.",
        )
        for line, movement in enumerate(movements, 1)
        if movement.target.kind in (PlaceKind.SPOILED, PlaceKind.QUARANTINE) and not movement.note
    ]


def no_gap(sequence: Iterable[int]) -> list[Finding]:
    """Check 25: numbers of movements (or events) of one office, from 1 without a gap."""
    expected = 1
    found = []
    for number in sequence:
        if number != expected:
            found.append(
                Finding(
                    "gap",
                    "sequence",
                    f"expected {expected}, found {number}",
                    "Falta o se repite un número de movimiento.",
                    "A movement's number is missing or repeated.",
                )
            )
        expected = number + 1
    return found


def counted(
    books: Balances, count: Mapping[tuple[Place, str], int], tolerance: Mapping[str, int]
) -> list[Finding]:
    """Closing − counted, for each place that was counted. ``tolerance``: units per material,
    zero where it says nothing (serialised items); rolls have one in the profile.
    """
    found = []
    for (place, material), pieces in sorted(count.items(), key=lambda item: str(item[0][0])):
        difference = books.get((place, material), 0) - pieces
        if abs(difference) > tolerance.get(material, 0):
            found.append(
                Finding(
                    "discrepancy",
                    material,
                    f"{place}: books {pieces + difference}, counted {pieces}",
                    "El recuento no coincide con los libros.",
                    "The count does not agree with the books.",
                )
            )
    return found


CHECKS: tuple[Callable[[Sequence[Movement]], list[Finding]], ...] = (
    never_negative,
    one_serial_one_place,
    issued_for_a_document,
    spoiled_with_cause,
)


def audit(movements: Sequence[Movement]) -> list[Finding]:
    """All checks over the movements of one office, in the order of their numbers."""
    return [finding for check in CHECKS for finding in check(movements)]
