"""What varies from one document to the next, already formatted for the holder's eyes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .errors import LayoutError
from .portrait import Portrait


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """One driving category: code ("B"), dates as DD/MM/AAAA, restrictions ("" if none)."""

    code: str
    since: str
    until: str
    restrictions: str = ""


@dataclass(frozen=True, slots=True)
class Values:
    """The variable part of one document.

    ``fields``: formatted strings by field key ("surname", "birth_date", "mrz1", …).
    ``qr_text``: the opaque text of the QR (base45 of the sealed payload).
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    categories: tuple[CategoryRow, ...] = ()
    portrait: Portrait | None = None
    qr_text: str | None = None

    def text(self, key: str, optional: bool = False) -> str:
        """The string of a field; "" for an optional one that is absent. Raises LayoutError."""
        found = self.fields.get(key, "").strip()
        if not found and key == "category_codes":
            # ISO 18013-1 wants field 9 on the front too: told from the table, never typed twice.
            found = " ".join(row.code for row in self.categories)
        if found or optional:
            return found
        raise missing(key)


def missing(key: str) -> LayoutError:
    """The refusal for a field that a face wants and the document lacks."""
    return LayoutError(
        "missing_field",
        f"Falta el dato «{key}» que este documento imprime; complételo en la solicitud.",
        f"The field “{key}”, printed on this document, is missing; complete the request.",
    )
