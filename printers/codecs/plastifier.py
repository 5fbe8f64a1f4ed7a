"""Register maps of plastifiers as data, and the words read by them as values.

One file per model in ``plastifiers/``: another controller is another file. The host and the
simulated machine read the same maps; what is assumed is marked there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

MAPS = Path(__file__).parent / "plastifiers"
_REGISTERS = (
    *("process_value", "status", "internal_set_point", "heater_current", "output", "set_point"),
)
_NUMBERS = (
    *("decic_per_count", "set_point_decic", "band_decic", "over_temperature_decic"),
    *("heater_on_permille", "heater_min_decia"),
)


class RegisterMapError(ValueError):
    """A register map is missing or broken; names the file and the key."""


@dataclass(frozen=True, slots=True)
class RegisterMap:
    """Where a model keeps what. Temperatures in 0.1 °C, currents in 0.1 A, output in 0.1 %."""

    model: str
    title: str
    registers: Mapping[str, int]
    status_bits: Mapping[str, int]
    counter_unit_offset: int
    counter_address: int
    decic_per_count: int
    set_point_decic: int
    band_decic: int
    over_temperature_decic: int
    heater_on_permille: int
    heater_min_decia: int

    @property
    def block(self) -> tuple[int, int]:
        """Address and count of the one read that covers all monitored values."""
        monitored = [a for name, a in self.registers.items() if name != "set_point"]
        return min(monitored), max(monitored) - min(monitored) + 1

    def words(self, reading: Reading) -> dict[int, int]:
        """The machine's side: the monitored registers by address."""
        at = self.registers
        return {
            at["process_value"]: _word(reading.temperature_decic // self.decic_per_count),
            at["status"]: sum(1 << self.status_bits[flag] for flag in reading.flags),
            at["internal_set_point"]: _word(reading.set_point_decic // self.decic_per_count),
            at["heater_current"]: reading.heater_decia,
            at["output"]: _word(reading.output_permille),
        }

    def reading(self, words: Sequence[int]) -> Reading:
        """The host's side: what the registers of :attr:`block` say. ValueError if too few."""
        start, count = self.block
        if len(words) != count:
            raise ValueError(f"{count} registers expected, {len(words)} read")
        at = {name: words[address - start] for name, address in self.registers.items()
              if name != "set_point"}  # fmt: skip
        return Reading(
            temperature_decic=_signed(at["process_value"]) * self.decic_per_count,
            set_point_decic=_signed(at["internal_set_point"]) * self.decic_per_count,
            heater_decia=at["heater_current"],
            output_permille=_signed(at["output"]),
            flags=frozenset(n for n, bit in self.status_bits.items() if at["status"] >> bit & 1),
        )

    def set_point_word(self, decic: int) -> int:
        """The word to write into the set point register. ValueError beyond what it can hold."""
        if not 0 <= decic // self.decic_per_count <= 0x7FFF:
            raise ValueError(f"a set point of {decic / 10:.1f} °C does not fit {self.title}")
        return decic // self.decic_per_count


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the controller: 0.1 °C, 0.1 A, 0.1 %, and the status bits that are set."""

    temperature_decic: int
    set_point_decic: int
    heater_decia: int
    output_permille: int
    flags: Collection[str] = frozenset()


def counter_words(count: int) -> list[int]:
    """A pass count as its two registers, high word first."""
    return [count >> 16 & 0xFFFF, count & 0xFFFF]


def counter_value(words: Sequence[int]) -> int:
    """The pass count in two registers. ValueError if they are not two."""
    high, low = words
    return high << 16 | low


def known_models() -> tuple[str, ...]:
    """The models that have a map."""
    return tuple(sorted(path.stem for path in MAPS.glob("*.toml")))


@cache
def load_map(model: str) -> RegisterMap:
    """The map of ``model``. Raises RegisterMapError naming what to mend."""
    if model not in known_models():
        raise RegisterMapError(f"no plastifier {model!r}; known: {', '.join(known_models())}")
    return parse_map(MAPS / f"{model}.toml")


def parse_map(path: Path) -> RegisterMap:
    """Reads and cross-checks one map. Raises RegisterMapError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RegisterMapError(f"{path}: {error}") from error
    registers = _integers(path, data, "registers", _REGISTERS, 0xFFFF)
    bits = data.get("status_bits", {})
    counter = _integers(path, data, "pass_counter", ("unit_offset", "address"), 0xFFFF)
    return RegisterMap(
        model=str(data.get("model", path.stem)),
        title=str(data.get("title", path.stem)),
        registers=registers,
        status_bits=_integers(path, data, "status_bits", tuple(bits), 15),
        counter_unit_offset=counter["unit_offset"],
        counter_address=counter["address"],
        **_integers(path, {"": data}, "", _NUMBERS, 0x7FFF),
    )


def _integers(
    path: Path, data: Mapping[str, Any], table: str, names: Sequence[str], limit: int
) -> dict[str, int]:
    found = data.get(table)
    if not isinstance(found, Mapping):
        raise RegisterMapError(f"{path}: table [{table}] is missing")
    for name in names:
        value = found.get(name)
        if type(value) is not int or not 0 <= value <= limit:
            where = f"{table}.{name}" if table else name
            raise RegisterMapError(f"{path}: {where} must be a whole number from 0 to {limit}")
    return {name: found[name] for name in names}


def _word(value: int) -> int:
    return value & 0xFFFF


def _signed(word: int) -> int:
    return word - 0x10000 if word & 0x8000 else word
