"""What a verifier trusts: the root's list of keys and the status lists, from a directory.

``root.pem`` (pinned), ``trust-list.cbor``, ``status/<list id>.cbor``, and for strangers
``signers/<kid in hex>.pem``, which add no trust: where one is there, it must agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from .errors import VerificationError
from .statuslist import STATUS_LIST_TYPE, StatusList, parse_status_list
from .trustlist import (
    TRUST_LIST_TYPE,
    TrustEntry,
    TrustList,
    build_trust_list,
    certificate_kid,
    compressed_point,
    parse_trust_list,
)

__all__ = [
    "CLOCK_SKEW",
    "STATUS_LIST_TYPE",
    "TRUST_LIST_TYPE",
    "Trust",
    "TrustEntry",
    "TrustList",
    "build_trust_list",
    "certificate_kid",
    "compressed_point",
    "parse_trust_list",
]

CLOCK_SKEW = timedelta(minutes=10)  # how far the clocks of a counter and of a phone may differ
_T = TypeVar("_T")
_MAX_PEM, _MAX_LIST = 64 << 10, 16 << 20  # bytes of a file


class Trust:
    """A trust list with the status lists at hand. Lists are replaced, never merged."""

    def __init__(self, trust_list: TrustList, status_lists: Iterable[StatusList] = ()) -> None:
        self._trust_list = trust_list
        self._status = {status_list.uri: status_list for status_list in status_lists}

    @property
    def trust_list(self) -> TrustList:
        """The keys in force."""
        return self._trust_list

    def status_list(self, uri: str) -> StatusList | None:
        """The list named ``uri``; None when it is not at hand."""
        return self._status.get(uri)

    def replace_status_list(self, status_list: StatusList) -> None:
        """Takes a list in the place of the one of the same URI (one assignment).

        Raises VerificationError "rollback" for a list issued before the one at hand.
        """
        held = self._status.get(status_list.uri)
        if held and held.issued_at and status_list.issued_at:
            _only_forward(status_list.issued_at >= held.issued_at, status_list.list_id)
        self._status[status_list.uri] = status_list

    def replace_trust_list(self, trust_list: TrustList) -> None:
        """Takes a newer trust list. Raises VerificationError "rollback" for a lower version."""
        _only_forward(trust_list.version >= self._trust_list.version, "trust-list")
        self._trust_list = trust_list

    @classmethod
    def load(
        cls, directory: Path | str, now: datetime | None = None, *, minimum_version: int = 0
    ) -> Trust:
        """Reads a trust directory; ``now`` is aware, the present by default.

        ``minimum_version`` is the highest version of the trust list this verifier has seen: a
        lower one is a rollback. Raises VerificationError naming the file and the remedy.
        """
        base, now = Path(directory), now or datetime.now(UTC)
        root = _certificate(base / "root.pem")
        path = base / "trust-list.cbor"
        trust_list = _named(path, lambda data: parse_trust_list(data, root))
        _only_forward(trust_list.version >= minimum_version, str(path))
        _check_date(path, trust_list.issued_at, now)
        for path in sorted((base / "signers").glob("*.pem")):
            _cross_check(path, trust_list, root)
        trust = cls(trust_list)
        for path in sorted((base / "status").glob("*.cbor")):
            trust.replace_status_list(_status_list(path, trust_list, now))
        return trust


def _status_list(path: Path, trust_list: TrustList, now: datetime) -> StatusList:
    found = _named(path, lambda data: parse_status_list(data, trust_list))
    if found.issued_at:
        _check_date(path, found.issued_at, now)
    if found.list_id != path.stem:
        raise _about(path, "trust_file", f"contiene {found.list_id}", f"holds {found.list_id}")
    return found


def _cross_check(path: Path, trust_list: TrustList, root: x509.Certificate) -> None:
    """A signer's certificate must be what its name says, the root's, and what the list says."""
    certificate = _certificate(path)
    kid = certificate_kid(certificate)
    if path.stem.lower() != kid.hex():
        raise _about(path, "trust_file", f"es de la clave {kid.hex()}", f"its kid is {kid.hex()}")
    try:
        certificate.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        raise _about(path, "trust_file", "no es de esta raíz", "it is not of this root") from None
    entry = trust_list.find(kid)
    if entry is not None and entry.public_key != compressed_point(certificate.public_key()):
        raise _about(path, "trust_file", "contradice la lista", "it contradicts the trust list")


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_read(path, _MAX_PEM))
    except ValueError:
        raise _about(
            path, "trust_file", "no es un certificado PEM", "it is no certificate in PEM"
        ) from None


def _named(path: Path, parse: Callable[[bytes], _T]) -> _T:
    """What ``parse`` makes of the file; its errors name the file."""
    try:
        return parse(_read(path, _MAX_LIST))
    except VerificationError as error:
        raise _about(path, "trust_file", error.es, error.en) from None


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise _about(
            path, "trust_file", "no se puede leer", f"it cannot be read ({error.strerror})"
        ) from None
    if len(data) > most:
        raise _about(path, "trust_file", "es demasiado grande", "it is too large")
    return data


def _check_date(path: Path, issued_at: datetime, now: datetime) -> None:
    if now.tzinfo is None:
        raise VerificationError(
            "call",
            "La hora de verificación no tiene zona horaria.",
            "The time of verification has no zone: use aware UTC.",
        )
    if issued_at > now + CLOCK_SKEW:
        raise _about(
            path,
            "clock",
            "tiene fecha futura: revise el reloj de este equipo",
            "it is dated in the future: check the clock of this machine",
        )


def _only_forward(forward: bool, name: str) -> None:
    if not forward:
        raise VerificationError(
            "rollback",
            f"{name}: es anterior a la que ya se tenía; se conserva la nueva.",
            f"{name}: older than the one already known; the newer one is kept.",
        )


def _about(path: Path, code: str, es: str, en: str) -> VerificationError:
    return VerificationError(
        code,
        f"{path}: {es.rstrip('.')}. Descargue de nuevo el directorio de confianza del emisor.",
        f"{path}: {en.rstrip('.')}. Fetch the issuer's trust directory again.",
    )
