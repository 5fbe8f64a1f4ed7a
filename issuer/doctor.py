"""``fedatario doctor``: checks what a daemon needs, one line each, with the remedy."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from sqlalchemy.exc import SQLAlchemyError

from crypto.keyfile import load_pool_configs
from crypto.pin import read_pin
from crypto.pool import HsmPool
from issuer.config import Config, ConfigError, load_config
from issuer.daemon import check_lanes
from issuer.logs import quiet_libraries
from issuer.profile import ProfileError, load_profile
from issuer.store import devices
from issuer.store.engine import Store
from issuer.store.errors import StoreError
from layouts.errors import LayoutError
from layouts.fonts import ROLES, font_path
from printers import open_laminator, open_printer
from printers.ports import DeviceError, Laminator, Printer, Severity
from verifier.errors import VerificationError
from verifier.trust import Trust

FREE_BYTES = 2 << 30
EXPIRY_WARNING = timedelta(days=60)
DEVICE_S = 8.0


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. ``grade``: ok, warning (works, but look), bad (will not work)."""

    what: str
    grade: str
    detail: str = ""
    remedy: str = ""


def run_doctor(config_path: Path) -> int:
    """Prints every check; 0 if none is bad."""
    quiet_libraries()
    bad = False
    for check in checks(config_path):
        bad |= check.grade == "bad"
        mark = {"ok": "✓", "warning": "!", "bad": "✗"}[check.grade]
        sys.stdout.write(f"{mark} {check.what}: {check.detail}".rstrip(": ") + "\n")
        if check.remedy:
            sys.stdout.write(f"    → {check.remedy}\n")
        sys.stdout.flush()
    return 1 if bad else 0


def checks(config_path: Path) -> Iterator[Check]:
    """All checks, in the order in which a start needs them."""
    try:
        config = load_config(config_path)
    except ConfigError as error:
        remedy = "copy issuer/fedatario.example.toml and edit it"
        yield Check("configuration", "bad", str(error), remedy)
        return
    yield Check("configuration", "ok", str(config_path))
    for check in (_profile, _fonts, _readers, _disk, _clock, _store, _hsms, _trust, _devices):
        yield from check(config)


def _profile(config: Config) -> Iterator[Check]:
    try:
        profile = load_profile(config.profile_dir)
        check_lanes(config, profile)
    except (ProfileError, ConfigError) as error:
        yield Check("profile and devices", "bad", str(error), "correct the file that is named")
        return
    yield Check("profile", "ok", f"{profile.code}, {len(profile.documents)} document types")


def _fonts(_config: Config) -> Iterator[Check]:
    try:
        found = {font_path(role).name for role in ROLES}
    except LayoutError as error:
        yield Check("fonts", "bad", error.en, "apt-get install fonts-noto-core fonts-ocr-b")
    else:
        yield Check("fonts", "ok", ", ".join(sorted(found)))


def _readers(_config: Config) -> Iterator[Check]:
    try:
        import pyzbar.pyzbar  # noqa: F401 - loads the shared library
    except ImportError as error:
        yield Check("second QR reader (zbar)", "bad", str(error), "apt-get install libzbar0")
    else:
        yield Check("QR readers", "ok", "zxing-cpp and zbar")


def _disk(config: Config) -> Iterator[Check]:
    directory = config.service.data_dir
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            free = shutil.disk_usage(directory).free
    except OSError as error:
        remedy = f"make {directory} writable for the account that runs the daemon"
        yield Check("data directory", "bad", str(error), remedy)
        return
    grade = "ok" if free > FREE_BYTES else "warning"
    remedy = "" if free > FREE_BYTES else "free some space: the store must never meet a full disk"
    yield Check("data directory", grade, f"{free / 2**30:.1f} GiB free", remedy)


def _clock(config: Config) -> Iterator[Check]:
    """A clock behind the trust list was set back or never set."""
    now = datetime.now(UTC)
    try:
        trust = Trust.load(config.trust_dir, now)
    except VerificationError as error:
        if error.code == "clock":
            yield Check("clock", "bad", error.en, "set the time (NTP), then look again")
        else:
            what = "nothing to compare it with yet"
            yield Check("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC ({what})")
        return
    yield Check(
        "clock",
        "ok",
        f"{now:%Y-%m-%d %H:%M} UTC, after the lists of {trust.trust_list.issued_at:%Y-%m-%d}",
    )


def _store(config: Config) -> Iterator[Check]:
    from issuer.store.migrate import upgrade

    try:
        upgrade(config.store_url)
        asyncio.run(_close(Store.open(config.store_url)))
    except Exception as error:  # noqa: BLE001 - whatever a driver raises is the finding
        remedy = "see that the database runs, exists, and lets this account in"
        yield Check("store", "bad", f"{type(error).__name__}: {error}".splitlines()[0], remedy)
        return
    yield Check("store", "ok", config.service.store)


async def _close(store: Store) -> None:
    await store.close()


def _hsms(config: Config) -> Iterator[Check]:
    try:
        configs = load_pool_configs(config.hsm.dir)
    except Exception as error:  # noqa: BLE001 - a directory of another's making
        yield Check("HSMs", "bad", str(error), "fedatario hsm create --config FILE")
        return
    for hsm in configs:
        if not Path(hsm.module).exists():
            yield Check(f"HSM {hsm.name}", "bad", f"no module {hsm.module}", "install softhsm2")
            return
        try:
            read_pin(hsm.pin_source)
        except Exception as error:  # noqa: BLE001 - each is a finding with its own remedy
            yield Check(f"HSM {hsm.name}", "bad", str(error), "chmod 0400 the PIN file")
            return
    for name, state, detail in asyncio.run(_hsm_states(config)):
        good = state == "up"
        remedy = "" if good else "fedatario hsm status; a latch: fedatario hsm clear-latch NAME"
        yield Check(f"HSM {name}", "ok" if good else "bad", f"{state} {detail}".strip(), remedy)


async def _hsm_states(config: Config) -> list[tuple[str, str, str]]:
    from crypto.signer import SigningUnavailable

    pool = HsmPool(load_pool_configs(config.hsm.dir), state_dir=config.hsm.dir / "state")
    try:
        await pool.start()
        await asyncio.sleep(1.0)
        return [(hsm.name, hsm.state, hsm.detail) for hsm in pool.status()]
    except SigningUnavailable as error:
        return [("pool", "down", str(error))]
    finally:
        await pool.close()


def _trust(config: Config) -> Iterator[Check]:
    try:
        trust = Trust.load(config.trust_dir, datetime.now(UTC))
    except VerificationError as error:
        yield Check("trust directory", "bad", error.en, "fedatario hsm create --config FILE")
        return
    now = datetime.now(UTC)
    soonest = min(entry.not_after for entry in trust.trust_list.entries)
    near = soonest - now < EXPIRY_WARNING
    remedy = "run the key ceremony for the next period" if near else ""
    detail = f"version {trust.trust_list.version}, first signer ends {soonest:%Y-%m-%d}"
    yield Check("trust list", "warning" if near else "ok", detail, remedy)
    root = x509.load_pem_x509_certificate((config.trust_dir / "root.pem").read_bytes())
    if root.not_valid_after_utc - now < EXPIRY_WARNING:
        yield Check("root", "warning", f"ends {root.not_valid_after_utc:%Y-%m-%d}", "renew it")


def _devices(config: Config) -> Iterator[Check]:
    """Reads each machine once, but none that a daemon owns: opening it might take it away from a
    print under way (a printer listens to whoever came last)."""
    owned = asyncio.run(_owned(config))
    for section in (*config.printer, *config.laminator):
        if section.name in owned:
            detail = f"a running daemon has it ({owned[section.name]})"
            yield Check(f"device {section.name}", "ok", detail)
        elif section in config.printer:
            yield asyncio.run(_device(section.name, open_printer(section.device())))
        else:
            yield asyncio.run(_device(section.name, open_laminator(section.device())))


async def _owned(config: Config) -> dict[str, str]:
    """Owner of each device whose lease has not run out; empty if the store cannot be read."""
    try:
        store = Store.open(config.store_url)
    except StoreError:
        return {}  # said by the check of the store
    try:
        return await store.read(devices.owners, datetime.now(UTC))
    except SQLAlchemyError:
        return {}
    finally:
        await store.close()


async def _device(name: str, machine: Printer | Laminator) -> Check:
    try:
        async with asyncio.timeout(DEVICE_S):
            await machine.connect()
            found = await machine.snapshot()
    except (DeviceError, TimeoutError) as error:
        remedy = "switch it on, check the cable and the url; stop a running daemon first"
        return Check(f"device {name}", "bad", str(error) or "no answer", remedy)
    finally:
        await machine.close()
    wants = [c for c in found.conditions if c.severity is not Severity.INFO]
    grade = "warning" if wants else "ok"
    detail = f"{found.model} {found.serial}".strip()
    return Check(f"device {name}", grade, detail, "; ".join(c.en for c in wants))
