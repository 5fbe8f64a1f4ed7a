"""``keys.json``: what the ceremony leaves behind for one HSM, and the pool starts from.

Paths inside the HSM's directory are written relative ("./pin"), so that the directory can move.
It holds no secret: PIN files are named, never read here.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from verifier.trust import certificate_kid

from .certificates import point_of
from .config import ConfigError, HsmConfig, KeyRef
from .tokens import TokenSite

KEYS_FILE = "keys.json"
_PEM = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key with its certificate: ``label`` in the token."""

    usage: str
    label: str
    certificate: x509.Certificate

    @property
    def kid(self) -> bytes:
        """8 bytes."""
        return certificate_kid(self.certificate)


def write_atomically(path: Path, data: bytes) -> None:
    """All or nothing, durable when it returns."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def write_keys(directory: Path, site: TokenSite, keys: dict[str, IssuedKey]) -> None:
    """Writes ``keys.json`` for the HSM that lives in (or is described by) ``directory``."""
    data = {
        "name": site.name,
        "module": site.module,
        "token_label": site.token_label,
        "pin_source": _shorten(directory, site.pin_source),
        "env": {name: _shorten(directory, value) for name, value in site.env.items()},
        "keys": {
            usage: {
                "label": key.label,
                "kid": key.kid.hex(),
                "certificate": key.certificate.public_bytes(_PEM).decode("ascii"),
            }
            for usage, key in keys.items()
        },
    }
    text = json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    write_atomically(directory / KEYS_FILE, text.encode())


def read_keys(directory: Path) -> tuple[TokenSite, dict[str, IssuedKey]]:
    """Reads what :func:`write_keys` wrote. Raises ConfigError naming file and remedy."""
    path = directory / KEYS_FILE
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        site = TokenSite(
            data["name"],
            data["module"],
            data["token_label"],
            _lengthen(directory, data["pin_source"]),
            {name: _lengthen(directory, value) for name, value in data["env"].items()},
        )
        return site, {usage: _issued(usage, entry) for usage, entry in data["keys"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{path} cannot be read ({type(error).__name__}): restore it, or run the key ceremony"
        ) from error


def load_pool_configs(directory: Path) -> list[HsmConfig]:
    """The HSMs of a ceremony's directory (``hsm/*/keys.json``), by name. Raises ConfigError."""
    files = sorted((directory.resolve() / "hsm").glob(f"*/{KEYS_FILE}"))
    if not files:
        raise ConfigError(f"no HSM under {directory}/hsm: run the key ceremony first")
    return [_config(*read_keys(file.parent)) for file in files]


def _config(site: TokenSite, keys: dict[str, IssuedKey]) -> HsmConfig:
    refs = {u: KeyRef(k.label, k.kid, point_of(k.certificate)) for u, k in keys.items()}
    return HsmConfig(
        site.name, site.module, site.token_label, site.pin_source, refs, dict(site.env)
    )


def _issued(usage: str, entry: dict[str, str]) -> IssuedKey:
    certificate = x509.load_pem_x509_certificate(entry["certificate"].encode("ascii"))
    if certificate_kid(certificate).hex() != entry["kid"]:
        raise ValueError(f"kid of {usage} is not its certificate's")
    return IssuedKey(usage, entry["label"], certificate)


def _shorten(directory: Path, value: str) -> str:
    base = f"{directory.resolve()}/"
    return f"./{value.removeprefix(base)}" if value.startswith(base) else value


def _lengthen(directory: Path, value: str) -> str:
    return str(directory.resolve() / value[2:]) if value.startswith("./") else value
