"""The key ceremony: keys born inside each HSM, certified by a root on a token of its own.

It converges: what is there and valid is kept, what is missing or about to end is made, and a
ceremony that was cut off is finished by running it again. When nothing is missing no HSM is
touched. Blocking: run it in a process or thread of its own.

    DIR/root/            the root's store (embedded HSM; on a real one a token that is locked away)
    DIR/hsm/NAME/        keys.json, and the store of an embedded HSM
    DIR/trust/           root.pem, signers/<kid>.pem, trust-list.cbor: for every verifier
    DIR/state/           latches of the ceremony's own logins
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from verifier import sealing
from verifier.trust import (
    TRUST_LIST_TYPE,
    TrustEntry,
    TrustList,
    build_trust_list,
    certificate_kid,
    parse_trust_list,
)

from .certificates import HsmPrivateKey, point_of, root_certificate, signer_certificate
from .config import STATUS_USAGE, TEST_USAGE
from .keyfile import (
    KEYS_FILE,
    IssuedKey,
    load_pool_configs,
    read_keys,
    write_atomically,
    write_keys,
)
from .tokens import CeremonyError, TokenRoom, TokenSite, create_softhsm_store

__all__ = [
    "CeremonyError",
    "CeremonyPlan",
    "CeremonyResult",
    "create_softhsm_store",
    "embedded_plan",
    "load_pool_configs",
    "run_ceremony",
]

ROOT_LABEL = "ROOT-1"
# A signer is replaced this long before its signing period ends.
_RENEW_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class CeremonyPlan:
    """What shall be there afterwards.

    ``usages`` are the document types; "STATUS" and "TEST" are added. ``begins`` (aware UTC) is
    where signing periods start, for benches whose clock is set back; by default a day ago.
    """

    directory: Path
    authority: str
    usages: tuple[str, ...]
    hsms: Sequence[TokenSite]
    root: TokenSite
    begins: datetime | None = None
    root_days: int = 7305
    signer_days: int = 397
    trust_list_days: int = 30


@dataclass(frozen=True, slots=True)
class CeremonyResult:
    """What is there: the trust directory, its list's version, keys by HSM and usage.

    ``made`` names what this run made ("root", "hsm-a/LIC", "trust-list"); empty: nothing.
    """

    directory: Path
    trust: Path
    version: int
    keys: dict[str, dict[str, IssuedKey]] = field(repr=False)
    made: tuple[str, ...] = ()


def embedded_plan(
    directory: Path,
    usages: Sequence[str],
    *,
    names: Sequence[str] = ("hsm-a", "hsm-b"),
    authority: str = "FEDATARIO",
    begins: datetime | None = None,
) -> CeremonyPlan:
    """A plan on SoftHSM stores inside ``directory`` (made if missing): the root's and ``names``."""
    directory = directory.resolve()
    places = [(directory / "root", "root"), *((directory / "hsm" / name, name) for name in names)]
    with ThreadPoolExecutor(len(places)) as threads:  # they only wait for child processes
        root, *hsms = threads.map(lambda p: create_softhsm_store(p[0], p[1], name=p[1]), places)
    return CeremonyPlan(directory, authority, tuple(usages), hsms, root, begins)


def run_ceremony(plan: CeremonyPlan) -> CeremonyResult:
    """Makes what ``plan`` wants and is not there. Raises CeremonyError, ConfigError."""
    return _Ceremony(plan).run()


class _Ceremony:
    """One run; the steps in their order are those of :meth:`run`."""

    def __init__(self, plan: CeremonyPlan) -> None:
        self._plan = plan
        self._now = datetime.now(UTC)
        self._begins = plan.begins or self._now - timedelta(days=1)
        self._trust = plan.directory / "trust"
        self._state = plan.directory / "state"
        self._usages = (*dict.fromkeys(plan.usages), STATUS_USAGE, TEST_USAGE)
        self._made: list[str] = []

    def run(self) -> CeremonyResult:
        (self._trust / "signers").mkdir(parents=True, exist_ok=True)
        keys = {site.name: self._present(site) for site in self._plan.hsms}
        lacking = {name: self._lacking(found) for name, found in keys.items()}
        root = self._read_root()
        trust_list = self._read_trust_list(root) if root else None
        if root is None or any(lacking.values()) or not self._covers(trust_list, keys):
            trust_list = self._make(root, trust_list, keys, lacking)
        assert trust_list is not None
        return CeremonyResult(
            self._plan.directory, self._trust, trust_list.version, keys, tuple(self._made)
        )

    # What is there.

    def _present(self, site: TokenSite) -> dict[str, IssuedKey]:
        directory = self._directory(site)
        return read_keys(directory)[1] if (directory / KEYS_FILE).exists() else {}

    def _lacking(self, found: dict[str, IssuedKey]) -> list[str]:
        soon = self._now + _RENEW_BEFORE
        return [
            usage
            for usage in self._usages
            if usage not in found or found[usage].certificate.not_valid_after_utc < soon
        ]

    def _read_root(self) -> x509.Certificate | None:
        path = self._trust / "root.pem"
        return x509.load_pem_x509_certificate(path.read_bytes()) if path.exists() else None

    def _read_trust_list(self, root: x509.Certificate) -> TrustList | None:
        path = self._trust / "trust-list.cbor"
        return parse_trust_list(path.read_bytes(), root) if path.exists() else None

    def _covers(self, trust_list: TrustList | None, keys: dict[str, dict[str, IssuedKey]]) -> bool:
        half = timedelta(days=self._plan.trust_list_days / 2)
        return (
            trust_list is not None
            and trust_list.next_update > self._now + half
            and all(
                trust_list.find(key.kid) is not None
                for found in keys.values()
                for key in found.values()
                if key.usage != TEST_USAGE
            )
        )

    # What is made.

    def _make(
        self,
        root: x509.Certificate | None,
        trust_list: TrustList | None,
        keys: dict[str, dict[str, IssuedKey]],
        lacking: dict[str, list[str]],
    ) -> TrustList:
        with ExitStack() as stack:
            # Every process is started before the first is waited for.
            room = stack.enter_context(TokenRoom(self._plan.root, self._state))
            rooms = {
                site.name: stack.enter_context(TokenRoom(site, self._state))
                for site in self._plan.hsms
                if lacking[site.name]
            }
            room.open()
            point = room.ensure_key(ROOT_LABEL)
            root_key = HsmPrivateKey(point, lambda digest: room.sign(ROOT_LABEL, digest))
            root = root or self._make_root(root_key)
            if point_of(root) != point:
                raise CeremonyError(
                    f"{self._trust}/root.pem is of another root key than the token "
                    f"{self._plan.root.name}: restore the token that belongs to it"
                )
            certify = partial(self._certify, root, root_key)
            for name, hsm in rooms.items():
                hsm.open()
                for usage in lacking[name]:
                    keys[name][usage] = self._make_key(
                        name, hsm, usage, keys[name].get(usage), certify
                    )
            trust_list = self._make_trust_list(
                root, trust_list, keys, lambda digest: room.sign(ROOT_LABEL, digest)
            )
        # Last: from here on the pool may use keys, and verifiers know them already.
        for site in self._plan.hsms:
            if lacking[site.name]:
                write_keys(self._directory(site), site, keys[site.name])
        return trust_list

    def _make_root(self, key: HsmPrivateKey) -> x509.Certificate:
        ends = self._now + timedelta(days=self._plan.root_days)
        root = root_certificate(key, self._plan.authority, self._begins, ends)
        write_atomically(self._trust / "root.pem", _pem(root))
        self._made.append("root")
        return root

    def _make_key(
        self,
        name: str,
        room: TokenRoom,
        usage: str,
        present: IssuedKey | None,
        certify: Callable[[bytes, str], x509.Certificate],
    ) -> IssuedKey:
        label = _next_label(usage, present)
        certificate = certify(room.ensure_key(label), f"{label} {name}")
        self._made.append(f"{name}/{usage}")
        return IssuedKey(usage, label, certificate)

    def _certify(
        self, root: x509.Certificate, root_key: HsmPrivateKey, point: bytes, common_name: str
    ) -> x509.Certificate:
        ends = self._now + timedelta(days=self._plan.signer_days)
        return signer_certificate(root, root_key, point, common_name, self._begins, ends)

    def _make_trust_list(
        self,
        root: x509.Certificate,
        former: TrustList | None,
        keys: dict[str, dict[str, IssuedKey]],
        sign: Callable[[bytes], bytes],
    ) -> TrustList:
        # Earlier keys stay: documents that they signed are still being shown.
        entries = {entry.kid: entry for entry in former.entries} if former else {}
        for found in keys.values():
            for usage, key in found.items():
                if usage != TEST_USAGE:
                    entry = TrustEntry.from_certificate(key.certificate, usage)
                    entries.setdefault(key.kid, entry)
                    path = self._trust / "signers" / f"{key.kid.hex()}.pem"
                    write_atomically(path, _pem(key.certificate))
        payload = build_trust_list(
            entries.values(),
            former.version + 1 if former else 1,
            self._now,
            self._now + timedelta(days=self._plan.trust_list_days),
        )
        header = sealing.protected_header(
            certificate_kid(root), {sealing.CONTENT_TYPE: TRUST_LIST_TYPE}
        )
        digest = hashlib.sha256(sealing.to_be_signed(header, payload)).digest()
        cose = sealing.assemble(header, payload, sign(digest))
        trust_list = parse_trust_list(cose, root)  # what is published was read as a verifier will
        write_atomically(self._trust / "trust-list.cbor", cose)
        self._made.append("trust-list")
        return trust_list

    def _directory(self, site: TokenSite) -> Path:
        directory = self._plan.directory / "hsm" / site.name
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return directory


def _next_label(usage: str, present: IssuedKey | None) -> str:
    """ "LIC-1", then "LIC-2": the same again until keys.json records it, so a rerun reuses it."""
    number = int(present.label.rpartition("-")[2]) + 1 if present else 1
    return f"{usage}-{number}"


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
