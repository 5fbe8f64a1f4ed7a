"""What is wrong with a profile, and where: every problem at once, each with file and line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One problem: file (relative to the profile), line (from 1), and what to do about it."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class ProfileError(Exception):
    """The profile cannot be used. ``findings`` holds all problems, in the order of the files."""

    def __init__(self, directory: str, findings: list[Finding]) -> None:
        self.findings = tuple(sorted(set(findings)))
        count = len(self.findings)
        head = f"profile {directory}: {count} problem{'s' if count != 1 else ''}; correct and retry"
        super().__init__("\n".join([head, *(f"  {finding}" for finding in self.findings)]))
