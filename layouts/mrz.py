"""TD1 machine readable zone: ICAO Doc 9303-5 (layout) and 9303-3 (characters, check digits).

Our own because the published package is GPLv3 and fails on document numbers longer than nine
characters and on long names (facts on faces, "MRZ").
"""

from __future__ import annotations

import unicodedata
from datetime import date

from .errors import LayoutError

WIDTH = 30
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WEIGHTS = (7, 3, 1)  # 9303-3, 4.9: check digits
# 9303-3, section 6: recommended transliterations that are more than losing a diacritic.
_SPECIAL = {
    "Ä": "AE", "Å": "AA", "Æ": "AE", "Ð": "D", "Đ": "D", "Ħ": "H", "ı": "I", "Ĳ": "IJ",
    "Ł": "L", "Ŋ": "N", "Ö": "OE", "Ø": "OE", "Œ": "OE", "ẞ": "SS", "ß": "SS", "Þ": "TH",
    "Ŧ": "T", "Ü": "UE", "Ŀ": "L", "ĸ": "Q",
}  # fmt: skip
_DROPPED = "'’‘`´ʼ.,"  # 9303-3: apostrophes and commas leave no filler


def transliterate(text: str) -> str:
    """A name in A–Z and the filler "<" (spaces and hyphens). Raises LayoutError ("mrz_invalid").

    Ñ → N, Ü → UE, G̃ → G, Ỹ → Y; apostrophes vanish.
    """
    out: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        upper = character if character == "ß" else character.upper()
        if upper in _SPECIAL:
            out.append(_SPECIAL[upper])
        elif character in _SPECIAL:
            out.append(_SPECIAL[character])
        elif character in _DROPPED:
            continue
        else:
            out.append(_plain(character))
    return "<".join(part for part in "".join(out).split("<") if part)


def _plain(character: str) -> str:
    if character in "- \u2010\u2011/" or character.isspace():
        return "<"
    base = "".join(
        c for c in unicodedata.normalize("NFD", character) if not unicodedata.combining(c)
    )
    if all(c in _ALPHABET for c in base.upper()):
        return base.upper()
    raise _invalid(
        f"el signo U+{ord(character):04X} no tiene transliteración",
        f"the sign U+{ord(character):04X} has no transliteration",
    )


def check_digit(text: str) -> str:
    """One digit over 0–9, A–Z and "<" (weights 7, 3, 1, modulus 10)."""
    total = sum(
        (0 if c == "<" else _ALPHABET.index(c)) * _WEIGHTS[i % 3] for i, c in enumerate(text)
    )
    return str(total % 10)


def td1(
    *,
    document_code: str,
    issuer: str,
    document_number: str,
    birth_date: date | None,
    sex: str,
    expiry_date: date | None,
    nationality: str,
    surname: str,
    given_names: str,
    optional1: str = "",
    optional2: str = "",
) -> tuple[str, str, str]:
    """The three lines of 30 characters. Raises LayoutError ("mrz_invalid").

    ``document_code`` "I", "ID", "AC"…; ``issuer`` and ``nationality`` alpha-3 codes ("BOL");
    ``sex`` "M", "F" or "" (unspecified); a date that is not known is None (filled with "<").
    A document number of more than nine characters continues in the optional data (9303-5).
    """
    number, number_digit, rest = _number(document_number)
    birth, expiry = _date(birth_date), _date(expiry_date)
    first = (
        _field(document_code, 2, "document_code")
        + _field(issuer, 3, "issuer")
        + number
        + number_digit
        + _field(rest + _code(optional1), 15, "optional1")
    )
    second = (
        birth
        + check_digit(birth)
        + _sex(sex)
        + expiry
        + check_digit(expiry)
        + _field(nationality, 3, "nationality")
        + _field(_code(optional2), 11, "optional2")
    )
    # 9303-5: the composite digit runs over line 1 from 6 on, and line 2: 1–7, 9–15, 19–29.
    composite = check_digit(first[5:] + second[0:7] + second[8:15] + second[18:29])
    return first, second + composite, name_field(surname, given_names, WIDTH)


def name_field(surname: str, given_names: str, width: int) -> str:
    """Primary identifier, "<<", secondary identifier, filled or truncated (9303-3) to width.

    A name that is too long loses characters at its end, after the surnames were cut so that a
    letter of the given names remains; the last position then holds a letter, which tells readers
    that truncation may have happened.
    """
    primary, secondary = transliterate(surname), transliterate(given_names)
    if not primary:
        # 9303-3: who has one name only has it as the primary identifier.
        primary, secondary = secondary, ""
    if not primary:
        raise _invalid("falta el nombre", "the name is missing")
    whole = f"{primary}<<{secondary}" if secondary else primary
    if len(whole) > width:
        whole = _truncated(primary, secondary, width)
    return whole.ljust(width, "<")


def _truncated(primary: str, secondary: str, width: int) -> str:
    if not secondary:
        return primary[:width]
    # At least the first letter of the given names must remain: two fillers and one letter.
    primary = primary[: width - 3].rstrip("<")
    cut = f"{primary}<<{secondary}"[:width]
    while cut.endswith("<"):
        # A filler in the last place would hide that the name was cut.
        primary = primary[:-1].rstrip("<")
        cut = f"{primary}<<{secondary}"[:width]
    return cut


def _number(raw: str) -> tuple[str, str, str]:
    number = _code(raw)
    if not number:
        raise _invalid("falta el número de documento", "the document number is missing")
    if len(number) <= 9:
        padded = number.ljust(9, "<")
        return padded, check_digit(padded), ""
    if len(number) > 22:
        raise _invalid(
            "el número de documento pasa de 22 signos",
            "the document number is longer than 22 characters",
        )
    # 9303-5, note on long numbers: filler in place of the digit, rest and digit in optional data.
    return number[:9], "<", number[9:] + check_digit(number) + "<"


def _code(raw: str) -> str:
    """Numbers and codes: anything that is not A–Z or 0–9 becomes a filler (9303-3)."""
    upper = raw.strip().upper()
    return "".join(c if c in _ALPHABET else "<" for c in upper)


def _field(text: str, width: int, name: str) -> str:
    if any(c not in _ALPHABET + "<" for c in text):
        raise _invalid(f"el campo «{name}» tiene signos no permitidos",
                       f"the field “{name}” has signs that are not allowed")  # fmt: skip
    trimmed = text.rstrip("<")
    if len(trimmed) > width:
        raise _invalid(
            f"el campo «{name}» pasa de {width} signos",
            f"the field “{name}” is longer than {width} characters",
        )
    return text[:width].ljust(width, "<")


def _date(day: date | None) -> str:
    return "<" * 6 if day is None else day.strftime("%y%m%d")


def _sex(sex: str) -> str:
    known = {"M": "M", "F": "F", "X": "<", "<": "<", "": "<"}
    if sex not in known:
        raise _invalid("el sexo debe ser M, F o vacío", "sex must be M, F or empty")
    return known[sex]


def _invalid(es: str, en: str) -> LayoutError:
    return LayoutError(
        "mrz_invalid",
        f"La zona de lectura mecánica no se puede formar: {es}.",
        f"The machine readable zone cannot be made: {en}.",
    )
