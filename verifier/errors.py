"""The one exception of this room: what a verifier could not accept, in words for the public."""

from __future__ import annotations


class VerificationError(Exception):
    """Why something was not accepted.

    ``code`` is stable and for machines ("altered", "claims", "trust_list", …; the table is in
    docs/wire-format.md); ``es`` and ``en`` are whole sentences that name the remedy where the
    reader has one. No message ever carries personal data, so it may be logged.
    """

    def __init__(self, code: str, es: str, en: str) -> None:
        super().__init__(code, es, en)
        self.code = code
        self.es = es
        self.en = en

    def __str__(self) -> str:
        return f"{self.es} / {self.en} [{self.code}]"
