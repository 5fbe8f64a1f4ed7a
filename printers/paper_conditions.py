"""What a paper printer's state reasons mean at the counter.

Keywords: RFC 8011 section 5.4.12 (printer-state-reasons) and PWG 5100.9. A reason may end in
``-report``, ``-warning`` or ``-error``; the suffix never weakens what a reason means for valued
forms, it only lifts an unknown one.
"""

from __future__ import annotations

from collections.abc import Iterable

from printers.ports import Condition, Severity, Supply

_INFO, _ATTENTION, _FAULT = Severity.INFO, Severity.ATTENTION, Severity.FAULT

_MEANING: dict[str, tuple[str, Severity, str, str]] = {
    "media-empty": (
        "hopper_empty",
        _ATTENTION,
        "La bandeja está vacía: cargue formularios y regístrelos.",
        "The tray is empty: load forms and register them.",
    ),
    "media-needed": (
        "hopper_empty",
        _ATTENTION,
        "La impresora pide papel: cargue formularios y regístrelos.",
        "The printer asks for paper: load forms and register them.",
    ),
    "media-low": (
        "hopper_low",
        _INFO,
        "Quedan pocos formularios en la bandeja.",
        "Few forms are left in the tray.",
    ),
    "media-jam": (
        "jam",
        _FAULT,
        "Papel atascado: retire el formulario, no lo reutilice y entréguelo como dañado.",
        "Paper jam: take the form out, do not use it again and hand it in as spoiled.",
    ),
    "input-tray-missing": (
        "tray_missing",
        _ATTENTION,
        "Falta la bandeja: colóquela.",
        "The tray is missing: put it in.",
    ),
    "cover-open": (
        "cover_open",
        _ATTENTION,
        "La tapa está abierta: ciérrela.",
        "The cover is open: close it.",
    ),
    "door-open": (
        "cover_open",
        _ATTENTION,
        "La puerta está abierta: ciérrela.",
        "The door is open: close it.",
    ),
    "interlock-open": (
        "cover_open",
        _ATTENTION,
        "Un seguro está abierto: cierre tapas y puertas.",
        "An interlock is open: close covers and doors.",
    ),
    "toner-low": (
        "toner_low",
        _INFO,
        "Queda poco tóner: tenga otro a mano.",
        "Toner is low: have another at hand.",
    ),
    "toner-empty": (
        "toner_empty",
        _ATTENTION,
        "Se acabó el tóner: cambie el cartucho.",
        "Toner has run out: change the cartridge.",
    ),
    "marker-supply-low": (
        "toner_low",
        _INFO,
        "Queda poca tinta o tóner: tenga otro a mano.",
        "Ink or toner is low: have another at hand.",
    ),
    "marker-supply-empty": (
        "toner_empty",
        _ATTENTION,
        "Se acabó la tinta o el tóner: cambie el cartucho.",
        "Ink or toner has run out: change the cartridge.",
    ),
    "marker-waste-almost-full": (
        "waste_almost_full",
        _INFO,
        "El depósito de residuos está casi lleno.",
        "The waste box is almost full.",
    ),
    "marker-waste-full": (
        "waste_full",
        _ATTENTION,
        "El depósito de residuos está lleno: cámbielo.",
        "The waste box is full: change it.",
    ),
    "output-area-full": (
        "output_full",
        _ATTENTION,
        "La salida está llena: retire lo impreso.",
        "The output is full: take away what was printed.",
    ),
    "fuser-over-temp": (
        "fuser",
        _FAULT,
        "El fusor está demasiado caliente: apague la impresora y llame al técnico.",
        "The fuser is too hot: switch the printer off and call the technician.",
    ),
    "fuser-under-temp": (
        "warming_up",
        _INFO,
        "La impresora se está calentando.",
        "The printer is warming up.",
    ),
    "paused": (
        "paused",
        _ATTENTION,
        "La impresora está en pausa: reanúdela en su panel.",
        "The printer is paused: resume it at its panel.",
    ),
    "shutdown": (
        "shutdown",
        _ATTENTION,
        "La impresora se está apagando: enciéndala.",
        "The printer is shutting down: switch it on.",
    ),
    "spool-area-full": (
        "memory_full",
        _ATTENTION,
        "La memoria de la impresora está llena: borre los trabajos en su panel.",
        "The printer's memory is full: delete jobs at its panel.",
    ),
}

# Reasons that mean that nothing is wrong.
_SILENT = {"none", "moving-to-paused", "connecting-to-device", "identify-printer-requested"}
# What stops a page that has begun: the form in the path is spoiled, and a printer that recovers
# by itself lays the page on the next one. The driver cancels at the sight of these.
SPOILING = frozenset({"jam", "fuser"})


def conditions_of(reasons: Iterable[str]) -> tuple[Condition, ...]:
    """Conditions, each code once, in the order in which the printer names them."""
    found: dict[str, Condition] = {}
    for reason in reasons:
        base, _, suffix = reason.rpartition("-")
        if suffix not in {"report", "warning", "error"}:
            base, suffix = reason, ""
        if base in _SILENT:
            continue
        condition = _condition(base, suffix)
        found.setdefault(condition.code, condition)
    return tuple(found.values())


def _condition(base: str, suffix: str) -> Condition:
    if base in _MEANING:
        return Condition(*_MEANING[base])
    severity = {"error": _ATTENTION, "warning": _INFO, "report": _INFO}.get(suffix, _ATTENTION)
    return Condition(
        base.replace("-", "_"),
        severity,
        f"La impresora informa «{base}»: mire su panel.",
        f"The printer reports “{base}”: look at its panel.",
    )


def supplies_of(names: Iterable[str], levels: Iterable[object]) -> tuple[Supply, ...]:
    """marker-names with marker-levels (PWG 5100.13: percent; negative means unknown)."""
    return tuple(
        Supply("TONER", name, 100, level)
        for name, level in zip(names, levels, strict=False)
        if isinstance(level, int) and 0 <= level <= 100
    )
