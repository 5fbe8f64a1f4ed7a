"""A latch per HSM that outlives restarts: after PIN trouble nobody logs in until a person looks.

A real HSM counts wrong PINs and locks or erases itself; a daemon that retries burns the token
(facts: HSM, trap 7). The latch is written before the failure is reported, so that no crash in
between earns a second attempt. Logins that never answered are counted as well: the token may
have counted them.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

# Logins in a row that were begun and never answered (killed in between) before we stop.
UNANSWERED_LIMIT = 3


@dataclass(frozen=True, slots=True)
class Latch:
    """Why an HSM is not logged in to: ``code`` as the module said it, ``since`` in UTC."""

    hsm: str
    code: str
    since: str

    @property
    def remedy(self) -> str:
        """What the operator does, Spanish first."""
        return (
            f"HSM {self.hsm}: {self.code} desde {self.since}. Verifique el PIN con el custodio y "
            f"levante el bloqueo. / {self.code} since {self.since}: check the PIN with its "
            "custodian and the token's state, then clear the latch."
        )


class LatchBook:
    """The latches of all HSMs in one directory; safe for a worker and its pool at once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def read(self, hsm: str) -> Latch | None:
        """The latch of ``hsm``, or None. A file that cannot be understood is a latch."""
        try:
            data = json.loads(self._latch(hsm).read_text(encoding="utf-8"))
            return Latch(hsm, str(data["code"]), str(data["since"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return Latch(hsm, "latch file unreadable", "?")

    def set(self, hsm: str, code: str) -> Latch:
        """Latches ``hsm``, durably; an earlier latch stays as it was."""
        if earlier := self.read(hsm):
            return earlier
        latch = Latch(hsm, code, datetime.now(UTC).isoformat(timespec="seconds"))
        self._write(self._latch(hsm), {"code": latch.code, "since": latch.since})
        return latch

    def clear(self, hsm: str) -> bool:
        """An operator's act: forgets latch and login count. False if there was no latch."""
        was = self.read(hsm) is not None
        self._latch(hsm).unlink(missing_ok=True)
        self.login_answered(hsm)
        self._sync()
        return was

    def login_begins(self, hsm: str) -> None:
        """Counts a login before it is made; the count is durable when this returns."""
        self._write(self._login(hsm), {"unanswered": self.unanswered(hsm) + 1})

    def login_answered(self, hsm: str) -> None:
        """The token answered, yes or no: the count is over (a latch records the no)."""
        self._login(hsm).unlink(missing_ok=True)

    def unanswered(self, hsm: str) -> int:
        """Logins in a row that were begun and never answered."""
        try:
            return int(json.loads(self._login(hsm).read_text(encoding="utf-8"))["unanswered"])
        except FileNotFoundError:
            return 0
        except (ValueError, KeyError, TypeError):
            return UNANSWERED_LIMIT

    def _latch(self, hsm: str) -> Path:
        return self._directory / f"{hsm}.latch"

    def _login(self, hsm: str) -> Path:
        return self._directory / f"{hsm}.login"

    def _write(self, path: Path, data: dict[str, object]) -> None:
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            json.dump(data, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        self._sync()

    def _sync(self) -> None:
        fd = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
