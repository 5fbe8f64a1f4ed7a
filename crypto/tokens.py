"""A token as the ceremony sees it: where it is, and a child process that works in it."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import frames
from .link import start_process

SOFTHSM_MODULE = "/usr/lib/softhsm/libsofthsm2.so"
_ANSWER_S = 60.0  # a network HSM may take seconds for a key pair


class CeremonyError(Exception):
    """The ceremony cannot go on; the message names the token and the remedy."""


@dataclass(frozen=True, slots=True)
class TokenSite:
    """One token: a name of ours, its module, label, PIN file and environment."""

    name: str
    module: str
    token_label: str
    pin_source: str
    env: Mapping[str, str] = field(default_factory=dict)


class TokenRoom:
    """A child process with one token open. A context manager; blocking, not for event loops."""

    def __init__(self, site: TokenSite, state_dir: Path) -> None:
        self._site = site
        self._state_dir = state_dir
        ours, theirs = socket.socketpair()
        with theirs:
            self._process: subprocess.Popen[bytes] = start_process(
                "crypto.keytool", theirs, site.env
            )
        ours.settimeout(_ANSWER_S)
        self._connection = ours
        self._reader = frames.FrameReader()

    def __enter__(self) -> TokenRoom:
        return self

    def __exit__(self, *exc: object) -> None:
        self._connection.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def init(self, so_pin_source: str) -> None:
        """Initialises an empty token and its user PIN; nothing if that was done."""
        self._ask("init", so_pin_source=so_pin_source)

    def open(self) -> None:
        """Logs in once."""
        self._ask("open", state_dir=str(self._state_dir), name=self._site.name)

    def ensure_key(self, label: str) -> bytes:
        """The point (65 bytes) of the P-256 key ``label``, made inside the token if missing."""
        return bytes(self._ask("ensure_key", label=label))

    def sign(self, label: str, digest: bytes) -> bytes:
        """r‖s (64 bytes) over a SHA-256 digest."""
        return bytes(self._ask("sign", label=label, digest=digest))

    def _ask(self, verb: str, **what: Any) -> Any:
        site = self._site
        where = {
            "module": site.module,
            "token_label": site.token_label,
            "pin_source": site.pin_source,
        }
        self._connection.sendall(frames.encode([verb, where | what]))
        while True:
            try:
                data = self._connection.recv(1 << 16)
            except TimeoutError as error:
                raise CeremonyError(
                    f"token {site.name}: {verb} has no answer after {_ANSWER_S:.0f} s: see the HSM"
                ) from error
            if not data:
                raise CeremonyError(
                    f"token {site.name}: the process ended during {verb}; its module may have "
                    "crashed: see the messages above"
                )
            for kind, value in self._reader.feed(data):
                if kind != "ok":
                    raise CeremonyError(f"token {site.name}: {value}")
                return value


def create_softhsm_store(
    directory: Path, label: str, *, name: str | None = None, module: str = SOFTHSM_MODULE
) -> TokenSite:
    """The embedded HSM: a SoftHSM store in ``directory`` with one token called ``label``.

    Writes ``softhsm2.conf`` (absolute paths), ``pin`` and ``so-pin`` (random, mode 0400), and
    initialises the token in a child process. A store that is ready is left alone; one that was
    cut off is finished. Raises CeremonyError.
    """
    directory = directory.resolve()
    if not Path(module).exists():
        raise CeremonyError(f"{module} is not installed: apt-get install softhsm2")
    (directory / "tokens").mkdir(parents=True, exist_ok=True, mode=0o700)
    _write_conf(directory)
    for file in ("pin", "so-pin"):
        _write_pin(directory / file)
    site = TokenSite(
        name or directory.name,
        module,
        label,
        str(directory / "pin"),
        {"SOFTHSM2_CONF": str(directory / "softhsm2.conf")},
    )
    ready = directory / "initialised"
    if not ready.exists():
        with TokenRoom(site, directory) as room:
            room.init(str(directory / "so-pin"))
        ready.write_text(f"{label}\n", encoding="utf-8")
    return site


def _write_conf(directory: Path) -> None:
    text = (
        f"directories.tokendir = {directory / 'tokens'}\n"
        "objectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n"
    )
    path = directory / "softhsm2.conf"
    # Rewritten when the directory was moved: SoftHSM takes absolute paths only.
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _write_pin(path: Path) -> None:
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400)
    with os.fdopen(fd, "w", encoding="ascii") as file:
        file.write(f"{secrets.randbelow(10**12):012d}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
