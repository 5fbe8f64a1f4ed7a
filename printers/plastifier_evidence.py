"""What a plastifier's readings mean: conditions, readiness, and whether a pouch went through; pure.

The pass counter is the evidence: one more than journalled before is one pouch. A pouch that
passed while the rollers were cold may be open, so that is for a person to decide.
"""

from __future__ import annotations

from printers.codecs.plastifier import Reading, RegisterMap
from printers.ports import Condition, Outcome, PrintResult, Severity, Snapshot

_FAULTS: dict[str, tuple[str, str]] = {
    "over_temperature": (
        "La plastificadora está demasiado caliente: apáguela, no introduzca fundas.",
        "The plastifier is too hot: switch it off, feed no pouch.",
    ),
    "heater_failure": (
        "La plastificadora no calienta: llame al técnico.",
        "The plastifier does not heat: call the technician.",
    ),
    "sensor_failure": (
        "El sensor de temperatura falla: llame al técnico.",
        "The temperature sensor fails: call the technician.",
    ),
}
_STATES: dict[str, tuple[str, str]] = {
    "heating": ("La plastificadora se está calentando.", "The plastifier is heating."),
    "cooling": ("La plastificadora se está enfriando.", "The plastifier is cooling."),
    "ready": ("La plastificadora está lista.", "The plastifier is ready."),
}

SILENT = (
    "La plastificadora no responde: revise que esté encendida y el cable; mire si salió la funda.",
    "The plastifier does not answer: check power and cable; see whether the pouch came out.",
)
NOT_WARM = (
    "La plastificadora no alcanzó su temperatura a tiempo; no se introdujo ninguna funda.",
    "The plastifier did not reach its temperature in time; no pouch was fed.",
)
NOT_FED = (
    "Nadie introdujo la funda a tiempo: introdúzcala cuando la luz indique lista.",
    "Nobody fed the pouch in time: feed it when the lamp shows ready.",
)
_NO_PASS = ("No pasó ninguna funda.", "No pouch went through.")
_COLD_PASS = (
    "La funda pasó fuera de temperatura: revise que esté bien sellada.",
    "The pouch went through outside the temperature: check that it is sealed.",
)
_MANY = (
    "El contador marca más de una funda: revise qué pasó por la plastificadora.",
    "The counter shows more than one pouch: check what went through the plastifier.",
)
_BACKWARDS = (
    "El contador de fundas retrocedió o falta el valor anterior: revise la plastificadora.",
    "The pouch counter went back, or its earlier value is missing: check the plastifier.",
)


def faults_of(reading: Reading, at: RegisterMap, target_decic: int) -> tuple[str, ...]:
    """Codes of what makes feeding pointless or dangerous."""
    # A machine that was set higher before and cools down to ours is not broken.
    wanted = max(reading.set_point_decic, target_decic)
    hot = reading.temperature_decic > wanted + at.over_temperature_decic
    drawing = reading.heater_decia >= at.heater_min_decia
    dead = reading.output_permille >= at.heater_on_permille and not drawing
    broken = {"heater_burnout", "heater_short", "heater_overcurrent"} & set(reading.flags)
    blind = {"input_error", "ad_converter_error"} & set(reading.flags)
    checks = {
        "over_temperature": hot or "alarm_1" in reading.flags,
        "heater_failure": dead or bool(broken),
        "sensor_failure": bool(blind),
    }
    return tuple(code for code, found in checks.items() if found)


def state_of(reading: Reading, target_decic: int, band_decic: int) -> str:
    """Gives "heating", "ready" or "cooling", by what pouches want and not by what somebody set."""
    away = reading.temperature_decic - target_decic
    if abs(away) <= band_decic:
        return "ready"
    return "heating" if away < 0 else "cooling"


def conditions_of(
    reading: Reading, at: RegisterMap, target_decic: int, band_decic: int
) -> tuple[Condition, ...]:
    """Faults first, then the thermal state as information."""
    codes = faults_of(reading, at, target_decic)
    faults = [Condition(code, Severity.FAULT, *_FAULTS[code]) for code in codes]
    state = state_of(reading, target_decic, band_decic)
    return (*faults, Condition(state, Severity.INFO, *_STATES[state]))


def passes_since(before: Snapshot, passes: int) -> int:
    """Pouches since ``before``; -1 if the counter went back or was not journalled."""
    journalled = before.counters.get("passes")
    return -1 if journalled is None else max(passes - journalled, -1)


def decide(
    before: Snapshot, after: Snapshot, warm: bool, why: tuple[str, str] = _NO_PASS
) -> PrintResult:
    """``warm``: the rollers were at temperature when the pouch was last known to be outside.

    ``why`` is the reason given when no pouch went through.
    """
    passed = passes_since(before, after.counters["passes"])
    if passed == 0:
        return PrintResult(Outcome.NOT_PRINTED, after, *why)
    if passed == 1 and warm:
        return PrintResult(Outcome.PRINTED, after)
    reason = _BACKWARDS if passed < 0 else _COLD_PASS if passed == 1 else _MANY
    return PrintResult(Outcome.UNDETERMINED, after, *reason)


def fault_reason(code: str) -> tuple[str, str]:
    """The sentence of a fault, Spanish and English."""
    return _FAULTS[code]
