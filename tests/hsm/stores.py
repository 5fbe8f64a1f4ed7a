"""Benches with real (embedded) HSMs for tests of any room."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cbor2

from crypto.ceremony import embedded_plan, load_pool_configs, run_ceremony
from crypto.config import HsmConfig

P11_KIT_CLIENT = "/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so"


def make_bench(
    directory: Path,
    usages: Sequence[str] = ("LIC", "CI"),
    *,
    names: Sequence[str] = ("hsm-a", "hsm-b"),
) -> Path:
    """Two SoftHSM stores, a root, keys for ``usages`` + STATUS + TEST; returns ``directory``.

    ``directory/trust`` is what a verifier needs, ``load_pool_configs(directory)`` what a pool
    needs. A second call on the same directory reuses everything.
    """
    run_ceremony(embedded_plan(directory, usages, names=names, authority="TEST-AUTHORITY"))
    return directory


def copy_bench(bench: Path, to: Path) -> Path:
    """The same HSMs at another place (one store per process: a test must not share them)."""
    shutil.copytree(bench, to)
    # SoftHSM's configuration has absolute paths; a second ceremony corrects them, nothing else.
    make_bench(to)
    return to


def document_claims(usage: str = "LIC", number: int = 0) -> bytes:
    """A small claims set that a key of ``usage`` signs (synthetic person)."""
    now = int(datetime.now(UTC).timestamp())
    return cbor2.dumps(
        {
            1: f"urn:fedatario:TEST-AUTHORITY:{usage}",
            4: now + 86400,
            6: now,
            169: {
                1: str(number),
                2: "1.2",
                3: "spa",
                4: "Ana Quispe Mamani",
                8: "19900102",
                75: {1: usage, 2: f"{usage}-{number:06d}", 3: f"S{number:08d}"},
            },
            65535: {"status_list": {"idx": number, "uri": "https://example.invalid/1"}},
        },
        canonical=True,
    )


def config_of(directory: Path, name: str) -> HsmConfig:
    """One HSM of a bench."""
    return next(c for c in load_pool_configs(directory) if c.name == name)


class ServedHsm:
    """A SoftHSM store behind ``p11-kit server``: an HSM that can be stopped, killed, returned."""

    def __init__(self, config: HsmConfig, socket: Path) -> None:
        self._softhsm = config
        self._socket = socket
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> HsmConfig:
        """The same token, reached through the server."""
        address = {"P11_KIT_SERVER_ADDRESS": f"unix:path={self._socket}"}
        return replace(self._softhsm, module=P11_KIT_CLIENT, env=address)

    def start(self) -> None:
        """Starts the server and waits for its socket."""
        self._socket.unlink(missing_ok=True)
        self._server = subprocess.Popen(
            [
                "p11-kit", "server", "-f",
                "--provider", self._softhsm.module,
                "--name", str(self._socket),
                "pkcs11:",
            ],
            env={**os.environ, **self._softhsm.env},
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        until = time.monotonic() + 5
        while not self._socket.exists():
            assert time.monotonic() < until, "p11-kit server did not open its socket"
            assert self._server.poll() is None, "p11-kit server ended"
            time.sleep(0.01)

    def signal(self, number: int) -> None:
        """To the server and the child it forked for each client (a session of its own)."""
        assert self._server is not None
        os.killpg(self._server.pid, number)
        if number == 9:
            self._server.wait()

    def stop(self) -> None:
        """Ends it for good."""
        if self._server is not None and self._server.poll() is None:
            self.signal(9)


@contextmanager
def served(config: HsmConfig, directory: Path) -> Iterator[ServedHsm]:
    """A running :class:`ServedHsm`; its socket lies in ``directory``."""
    hsm = ServedHsm(config, directory / f"{config.name}.sock")
    hsm.start()
    try:
        yield hsm
    finally:
        hsm.stop()
