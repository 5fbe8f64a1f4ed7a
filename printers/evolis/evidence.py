"""What became of a job, from two readings of the machine. Pure: no device, no clock.

No printer has an idempotency key, so this is all there is (facts, "printed at most once"; the
failures of others are cited there: vxsuite#2299, cups#3810). What is not proven is UNDETERMINED.
"""

from __future__ import annotations

from printers.ports import Outcome, PrintResult, Severity, Snapshot


def decide(before: Snapshot, after: Snapshot, *, watched: bool = False) -> PrintResult:
    """Judges the job that was journalled with ``before``.

    ``watched``: the job was followed on one connection to its end, so a machine without a
    counter of completed cards may still prove it by cards inserted and panels printed.
    """
    if (after.serial, after.model) != (before.serial, before.model):
        return _unsure(after, "unknown", *_OTHER_MACHINE)
    if after.busy:
        return _unsure(after, "inside", *_STILL_BUSY)
    if after.position != "none":
        return _unsure(after, "inside", *_CARD_INSIDE)
    moved = _moved(before, after)
    if "inserted" not in moved:
        return _unsure(after, "unknown", *_NO_COUNTERS)
    if not any(moved.values()):
        if same_boot(before, after):
            return PrintResult(Outcome.NOT_PRINTED, after, *_UNTOUCHED, blank_at="hopper")
        return _unsure(after, "unknown", *_RESTARTED)
    if moved.get("rejected", 0) > 0:
        return _unsure(after, "rejected", *_REJECTED)
    if _completed(moved, watched and same_boot(before, after)) and not faults(after):
        return PrintResult(Outcome.PRINTED, after)
    return _unsure(after, "unknown", *_UNCLEAR)


def faults(snapshot: Snapshot) -> bool:
    """Whether the machine says that a job was interrupted."""
    return any(item.severity is Severity.FAULT for item in snapshot.conditions)


def same_boot(before: Snapshot, after: Snapshot) -> bool:
    """Whether the machine surely was not switched off in between.

    By its boot mark; for a model without one by INF_RESET, which every start sets and only the
    start of a job clears: seen now, it may be newer than ``before``.
    """
    if before.boot and after.boot:
        return before.boot == after.boot
    return all(item.code != "restarted" for item in after.conditions)


def unmoved(before: Snapshot, after: Snapshot) -> bool:
    """Whether no counter moved between two readings of the same machine."""
    return before.serial == after.serial and not any(_moved(before, after).values())


def _moved(before: Snapshot, after: Snapshot) -> dict[str, int]:
    names = before.counters.keys() & after.counters.keys()
    return {name: after.counters[name] - before.counters[name] for name in names}


def _completed(moved: dict[str, int], watched: bool) -> bool:
    if moved["inserted"] != 1:
        return False
    if "completed" in moved:
        return moved["completed"] == 1
    return watched and moved.get("panels", 0) > 0


def _unsure(after: Snapshot, blank_at: str, es: str, en: str) -> PrintResult:
    return PrintResult(Outcome.UNDETERMINED, after, es, en, blank_at)


_OTHER_MACHINE = (
    "Otra máquina contesta en este puesto: busque la tarjeta en la anterior.",
    "Another machine answers here: look for the card in the earlier one.",
)
_STILL_BUSY = (
    "La impresora sigue ocupada: espere y mire la bandeja.",
    "The printer is still busy: wait and look at the tray.",
)
_CARD_INSIDE = (
    "Quedó una tarjeta dentro: expúlsela y declárela dañada.",
    "A card is inside: reject it and declare it spoiled.",
)
_NO_COUNTERS = (
    "La impresora no informa sus contadores: mire la bandeja.",
    "The printer does not tell its counters: look at the tray.",
)
_UNTOUCHED = (
    "No se tomó ninguna tarjeta.",
    "No card was taken.",
)
_RESTARTED = (
    "La impresora se reinició durante el trabajo: mire la bandeja y el alimentador.",
    "The printer was restarted during the job: look at the tray and the hopper.",
)
_REJECTED = (
    "La tarjeta está en la caja de rechazos: escanéela y declárela dañada.",
    "The card is in the reject box: scan it and declare it spoiled.",
)
_UNCLEAR = (
    "Los contadores no prueban qué pasó: busque la tarjeta y escanéela.",
    "The counters do not prove what happened: find the card and scan it.",
)
