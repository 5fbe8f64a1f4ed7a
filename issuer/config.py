"""The configuration file: TOML, typed, units in the names, cross-checked at start.

``issuer/fedatario.example.toml`` is the commented example; the tests load it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from printers.ports import DeviceConfig


class ConfigError(Exception):
    """The configuration cannot be used; every problem found is a line of the message."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceSection(_Section):
    """``[service]``"""

    data_dir: Path
    store: str = "sqlite"
    office: str
    lease_s: float = Field(default=15.0, gt=0.2, le=600)
    business_date: date | None = None
    composers: int = Field(default=2, ge=1, le=64)
    profile: Path | None = None
    samples: Path | None = None


class HsmSection(_Section):
    """``[hsm]``: where the ceremony left tokens and certificates."""

    dir: Path
    hedge_after_ms: int = Field(default=50, ge=5, le=5000)


class DeviceSection(_Section):
    """``[[printer]]`` and ``[[laminator]]``"""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")
    model: str
    url: str
    documents: tuple[str, ...] = ()
    office: str | None = None
    max_uninspected: int = Field(default=3, ge=1, le=1000)
    options: dict[str, str] = {}

    def device(self) -> DeviceConfig:
        """The form that the printers' room takes."""
        return DeviceConfig(self.name, self.model, self.url, self.options)


class WebSection(_Section):
    """``[web]``"""

    host: str = "127.0.0.1"
    port: int = Field(default=8440, ge=0, le=65535)
    session_hours: int = Field(default=10, ge=1, le=24)


class LogSection(_Section):
    """``[log]``"""

    level: Literal["debug", "info", "warning", "error"] = "info"
    json_lines: bool = True


class Config(_Section):
    """The whole file."""

    service: ServiceSection
    hsm: HsmSection
    printer: tuple[DeviceSection, ...] = ()
    laminator: tuple[DeviceSection, ...] = ()
    web: WebSection = WebSection()
    log: LogSection = LogSection()

    @model_validator(mode="after")
    def _cross_check(self) -> Config:
        names = [d.name for d in (*self.printer, *self.laminator)]
        double = {name for name in names if names.count(name) > 1}
        if double:
            raise ValueError(f"device names stand twice: {', '.join(sorted(double))}")
        urls = [d.url for d in (*self.printer, *self.laminator)]
        shared = {url for url in urls if urls.count(url) > 1}
        if shared:
            raise ValueError(f"one owner per device, but two entries open {', '.join(shared)}")
        for device in self.printer:
            if not device.documents:
                raise ValueError(f"printer {device.name}: documents = [] prints nothing")
        return self

    @property
    def store_url(self) -> str:
        """SQLAlchemy-style URL of the store."""
        if self.service.store == "sqlite":
            return f"sqlite:///{self.service.data_dir / 'fedatario.db'}"
        return self.service.store

    @property
    def trust_dir(self) -> Path:
        """Where trust and status lists are published."""
        return self.hsm.dir / "trust"

    @property
    def profile_dir(self) -> Path:
        """The agency's profile; Bolivia's comes with the product."""
        return self.service.profile or Path(__file__).parent / "profiles" / "bolivia"


@dataclass(frozen=True, slots=True)
class _Lines:
    text: str

    def of(self, path: tuple[int | str, ...]) -> int:
        """The line of a key, counting ``[[tables]]``: TOML readers give no positions."""
        lines = self.text.splitlines()
        start, wanted = 0, [p for p in path if p != "__root__"]
        if wanted:
            header, index = str(wanted[0]), 0
            if len(wanted) > 1 and isinstance(wanted[1], int):
                index = wanted[1]
            seen = -1
            for number, line in enumerate(lines):
                if line.strip().strip("[]").split(".")[0] == header and line.lstrip().startswith(
                    "["
                ):
                    seen += 1
                    if seen == index:
                        start = number
                        break
        key = str(wanted[-1]) if wanted else ""
        for number in range(start, len(lines)):
            if number > start and lines[number].lstrip().startswith("["):
                break
            if lines[number].split("=")[0].strip() == key:
                return number + 1
        return start + 1


def load_config(path: Path) -> Config:
    """Reads and checks a file. Relative paths count from it. Raises ConfigError (file:line)."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); start from fedatario.example.toml"
        ) from error
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    try:
        config = Config.model_validate(_absolute(raw, path.parent))
    except ValidationError as error:
        lines = _Lines(text)
        raise ConfigError(
            "\n".join(
                f"{path}:{lines.of(e['loc'])}: {'.'.join(map(str, e['loc']))}: {e['msg']}"
                for e in error.errors()
            )
        ) from error
    return config


def _absolute(raw: Mapping[str, Any], base: Path) -> dict[str, Any]:
    out = {k: dict(v) if isinstance(v, dict) else v for k, v in cast(dict[str, Any], raw).items()}
    for section, keys in {"service": ("data_dir", "profile", "samples"), "hsm": ("dir",)}.items():
        table = out.get(section)
        if isinstance(table, dict):
            for key in keys:
                if isinstance(table.get(key), str):
                    table[key] = str((base / table[key]).resolve())
    return out
