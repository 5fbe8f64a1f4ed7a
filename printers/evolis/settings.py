"""Waits of the driver, from the options of a device's configuration; units are in the names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of an Evolis printer. A real one takes 15–60 s a card (facts)."""

    connect_timeout_s: float = 5.0
    connect_attempts: int = 4
    backoff_s: float = 0.2  # first pause between attempts; doubles up to 2 s
    reply_timeout_s: float = 5.0
    step_timeout_s: float = 90.0  # a job command waits for the panel before it to be printed
    finish_timeout_s: float = 240.0
    idle_grace_s: float = 5.0  # at rest for so long with nothing moved: it will not go on
    poll_s: float = 0.1

    @classmethod
    def from_options(cls, device: str, options: Mapping[str, str]) -> Settings:
        """Raises ValueError naming the option that is unknown or no positive number."""
        known = {field.name for field in fields(cls)}
        for name in options:
            if name not in known:
                names = ", ".join(sorted(known))
                raise ValueError(f"printer {device}: unknown option {name!r}; known: {names}")
        found = {name: _positive(device, name, text) for name, text in options.items()}
        attempts = int(found.pop("connect_attempts", cls().connect_attempts))
        return cls(connect_attempts=max(1, attempts), **found)


def _positive(device: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 86_400:
        raise ValueError(f"printer {device}: option {name} wants a positive number, not {text!r}")
    return value
