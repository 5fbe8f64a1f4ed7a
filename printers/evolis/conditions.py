"""Status words in plain words: what stands at the counter's screen, with its remedy.

ATTENTION stops the lane until the cause is gone; FAULT says that the job was interrupted.
"""

from __future__ import annotations

from printers.codecs.evolis_status import Error, Extra, Info, Laminator, Status, Warn
from printers.ports import Condition, Severity

_Flag = Info | Warn | Error | Laminator | Extra
_I, _A, _F = Severity.INFO, Severity.ATTENTION, Severity.FAULT


def _of(code: str, severity: Severity, es: str, en: str) -> Condition:
    return Condition(code, severity, es, en)


_TABLE: tuple[tuple[tuple[_Flag, ...], Condition], ...] = (
    (
        (Info.RESET,),
        _of("restarted", _I, "La impresora se reinició.", "The printer was restarted."),
    ),
    (
        (Info.PRINTER_MASTER,),
        _of(
            "not_host_mode",
            _A,
            "La impresora reintenta por su cuenta: vuelva a conectarla.",
            "The printer retries by itself: reconnect it so that Pem;2 is set.",
        ),
    ),
    (
        (Info.RIBBON_LOW,),
        _of("ribbon_low", _I, "Queda poca cinta: tenga otra lista.", "Ribbon low: have one ready."),
    ),
    (
        (Info.CLEANING_REQUIRED | Info.CLEANING,),
        _of("cleaning", _I, "Toca limpiar la impresora.", "The printer asks for cleaning."),
    ),
    (
        (Info.CLEANING_MANDATORY,),
        _of(
            "cleaning_mandatory",
            _A,
            "Limpie la impresora: no imprimirá hasta entonces.",
            "Clean the printer: it will not print before.",
        ),
    ),
    (
        (Extra.HEATING,),
        _of("heating", _I, "La impresora se calienta.", "The printer is heating up."),
    ),
    (
        (Warn.COVER_OPEN | Warn.FEEDER_OPEN | Warn.REJECT_BOX_COVER_OPEN, Laminator.COVER_OPEN),
        _of("cover_open", _A, "Tapa abierta: ciérrela.", "Cover open: close it."),
    ),
    (
        (Warn.FEEDER_EMPTY,),
        _of(
            "hopper_empty",
            _A,
            "No quedan tarjetas: cargue el alimentador y escanee la primera.",
            "No cards left: load the hopper and scan the first one.",
        ),
    ),
    (
        (Warn.RIBBON_ENDED,),
        _of("ribbon_ended", _A, "Cinta terminada: ponga otra.", "Ribbon ended: fit a new one."),
    ),
    (
        (Warn.NO_RIBBON | Warn.UNSUPPORTED_RIBBON,),
        _of("no_ribbon", _A, "No hay cinta válida: póngala.", "No valid ribbon: fit one."),
    ),
    (
        (Warn.NO_FILM | Warn.FILM_ENDED | Warn.UNSUPPORTED_FILM,),
        _of(
            "film_ended",
            _A,
            "Falta película de retransferencia: ponga otra.",
            "Retransfer film ended or missing: fit a new one.",
        ),
    ),
    (
        (Laminator.NO_LAMINATE | Laminator.LAMINATE_ENDED | Laminator.UNSUPPORTED_LAMINATE,),
        _of(
            "laminate_ended",
            _A,
            "Falta lámina DURAGARD: ponga otra.",
            "Laminate (DURAGARD) ended or missing: fit a new one.",
        ),
    ),
    (
        (Warn.HOPPER_FULL, Laminator.HOPPER_FULL),
        _of("output_full", _A, "Bandeja llena: vacíela.", "Output tray full: empty it."),
    ),
    (
        (Warn.REJECT_BOX_FULL,),
        _of(
            "reject_full",
            _A,
            "Caja de rechazos llena: vacíela con el custodio.",
            "Reject box full: empty it with the custodian.",
        ),
    ),
    (
        (Warn.COOLING,),
        _of("cooling", _A, "El cabezal se enfría: espere.", "Print head cooling down: wait."),
    ),
    (
        (Warn.PRINTER_LOCKED,),
        _of("locked", _A, "Impresora con llave: ábrala.", "Printer locked: unlock it."),
    ),
    (
        (Warn.POWER_SUPPLY,),
        _of("power", _A, "Tensión baja: revise la fuente.", "Low voltage: check the power supply."),
    ),
    (
        (Warn.CARD_ON_EJECT | Warn.WAIT_CARD,),
        _of("card_waiting", _A, "Retire la tarjeta de la boca.", "Take the card at the slot."),
    ),
    (
        (Error.MECHANICAL, Laminator.ERR_MECHANICAL),
        _of(
            "jam",
            _F,
            "Atasco o trabajo interrumpido: expulse la tarjeta y revísela.",
            "Jam or interrupted job: reject the card and look at it.",
        ),
    ),
    (
        (Error.FEEDER | Error.NO_CARD_INSERTED,),
        _of(
            "feed_failed",
            _F,
            "No entró la tarjeta: revise el alimentador.",
            "The card did not feed: check the hopper.",
        ),
    ),
    (
        (Error.COVER_OPEN | Error.FEEDER_OPEN, Laminator.ERR_COVER_OPEN),
        _of(
            "interrupted_cover",
            _F,
            "Se abrió la tapa durante la impresión: expulse la tarjeta.",
            "The cover was opened while printing: reject the card.",
        ),
    ),
    (
        (Error.RIBBON | Error.RIBBON_ENDED | Error.BAD_RIBBON,),
        _of(
            "interrupted_ribbon",
            _F,
            "La cinta falló o terminó a media tarjeta: cámbiela y expulse la tarjeta.",
            "The ribbon failed or ended in mid card: change it and reject the card.",
        ),
    ),
    (
        (Error.FILM | Error.FILM_ENDED | Error.BAD_FILM,),
        _of(
            "interrupted_film",
            _F,
            "La película falló o terminó a media tarjeta: cámbiela.",
            "The film failed or ended in mid card: change it.",
        ),
    ),
    (
        (Laminator.ERR_LAMINATE | Laminator.ERR_LAMINATE_ENDED | Laminator.ERR_TEMPERATURE,),
        _of(
            "interrupted_laminate",
            _F,
            "La laminación falló: revise la lámina y la tarjeta.",
            "Lamination failed: check the laminate and the card.",
        ),
    ),
    (
        (Error.HEAD_TEMPERATURE | Error.RETRANSFER_TEMPERATURE,),
        _of(
            "temperature",
            _F,
            "Temperatura fuera de rango: espere y expulse la tarjeta.",
            "Temperature out of range: wait and reject the card.",
        ),
    ),
    (
        (Error.REJECT_BOX_FULL | Error.REJECT_BOX_COVER_OPEN | Error.HOPPER_FULL,),
        _of(
            "eject_failed",
            _F,
            "La tarjeta no pudo salir: vacíe la bandeja y la caja de rechazos.",
            "The card could not leave: empty the tray and the reject box.",
        ),
    ),
)
_OTHER = _of(
    "device_error",
    _F,
    "La impresora informa un error: llame a soporte.",
    "The printer reports an error: call support.",
)


def conditions(status: Status) -> tuple[Condition, ...]:
    """The conditions of one reading, faults first; an error without a name is never silent."""
    found = [
        condition
        for flags, condition in _TABLE
        if any(_word(status, flag) & flag for flag in flags)
    ]
    if status.failed and not any(item.severity is _F for item in found):
        found.append(_OTHER)
    order = (_F, _A, _I)
    return tuple(sorted(found, key=lambda item: order.index(item.severity)))


def _word(status: Status, flag: _Flag) -> int:
    if isinstance(flag, Info):
        return int(status.information)
    if isinstance(flag, Warn):
        return int(status.warning)
    if isinstance(flag, Error):
        return int(status.error)
    return int(status.laminator if isinstance(flag, Laminator) else status.extra)
