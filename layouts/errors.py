"""What this room refuses, with the reason for the counter."""

from __future__ import annotations


class LayoutError(Exception):
    """A document cannot be laid out as asked; nothing was drawn and nothing was cut.

    ``code`` is stable for machines ("missing_field", "text_overflow", "glyph_missing",
    "qr_too_large", "mrz_invalid", "category_unknown", "resolution", "typesetting", …);
    ``es`` and ``en`` are sentences for people. They name fields, never the holder's data, so
    they may be logged.
    """

    def __init__(self, code: str, es: str, en: str) -> None:
        super().__init__(code, es, en)  # all of them: it must survive a process pool's pickle
        self.code = code
        self.es = es
        self.en = en

    def __str__(self) -> str:
        return f"{self.code}: {self.en}"
