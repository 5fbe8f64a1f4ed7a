"""Register maps as data, words as values, and what readings mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from printers.codecs.plastifier import (
    MAPS,
    Reading,
    RegisterMapError,
    counter_value,
    counter_words,
    known_models,
    load_map,
    parse_map,
)
from printers.plastifier import Plastifier
from printers.plastifier_evidence import conditions_of, decide, faults_of, passes_since, state_of
from printers.ports import DeviceConfig, Outcome, Snapshot

E5CC = load_map("omron-e5cc")


def reading(temperature: int = 1250, **more: object) -> Reading:
    facts = {"set_point_decic": 1250, "heater_decia": 45, "output_permille": 600}
    return Reading(temperature_decic=temperature, **(facts | more))  # type: ignore[arg-type]


def test_the_e5cc_is_where_its_manual_says() -> None:
    # H175 section 5-1, two-byte mode.
    assert dict(E5CC.registers) == {
        "process_value": 0x2000,
        "status": 0x2001,
        "internal_set_point": 0x2002,
        "heater_current": 0x2003,
        "output": 0x2004,
        "set_point": 0x2103,
    }
    assert E5CC.block == (0x2000, 5)
    # 122.5 °C, output on (bit 8), 125.0 °C, 4.5 A, 60.0 %; then below zero, heater burnt out.
    golden = E5CC.reading([0x04C9, 0x0100, 0x04E2, 0x002D, 0x0258])
    assert golden == Reading(1225, 1250, 45, 600, frozenset({"output_on"}))
    assert E5CC.reading([0xFFCE, 0x0400, 0, 0, 0xFFCE]) == Reading(
        -50, 0, 0, -50, frozenset({"heater_burnout"})
    )


@pytest.mark.parametrize("model", known_models())
def test_both_sides_of_every_map_agree(model: str) -> None:
    at = load_map(model)
    shown = reading(temperature=-50, flags=frozenset({"alarm_1", "input_error"}))
    words = at.words(shown)
    start, count = at.block
    assert at.reading([words.get(start + n, 0) for n in range(count)]) == shown


def test_counts_beyond_one_register() -> None:
    assert counter_words(0x0001_0002) == [1, 2]
    assert counter_value([1, 2]) == 65538
    with pytest.raises(ValueError, match="unpack"):
        counter_value([1])


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("process_value = 0x2000", "", r"registers\.process_value"),
        ("status = 0x2001", 'status = "x"', r"registers\.status"),
        ("alarm_1 = 12", "alarm_1 = 16", r"status_bits\.alarm_1"),
        ("band_decic = 50", "band_decic = -1", "band_decic"),
        ("[pass_counter]", "[counter]", "pass_counter"),
        ("[registers]", "[registers", "TOML|line|Expected"),
    ],
)
def test_a_broken_map_names_file_and_key(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = (MAPS / "omron-e5cc.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "acme.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RegisterMapError, match=named) as caught:
        parse_map(path)
    assert "acme.toml" in str(caught.value)


def test_unknown_models_and_wrong_urls_name_what_is_right() -> None:
    with pytest.raises(RegisterMapError, match="known: omron-e5cc"):
        load_map("acme")
    with pytest.raises(ValueError, match="serial:///dev"):
        Plastifier(DeviceConfig("lam-1", "omron-e5cc", "tcp://127.0.0.1:502"))
    with pytest.raises(ValueError, match="does not fit"):
        Plastifier(
            DeviceConfig("lam-1", "omron-e5cc", "serial:///dev/x", {"set_point_decic": "40000"})
        )


@pytest.mark.parametrize(
    ("seen", "faults"),
    [
        (reading(), ()),
        (reading(1501), ("over_temperature",)),
        (reading(1501, set_point_decic=1400), ()),  # set higher before, cooling down
        (reading(flags=frozenset({"alarm_1"})), ("over_temperature",)),
        (reading(heater_decia=4), ("heater_failure",)),
        (reading(heater_decia=0, output_permille=100), ()),  # hardly on: nothing to draw
        (reading(flags=frozenset({"heater_burnout"})), ("heater_failure",)),
        (reading(flags=frozenset({"input_error"})), ("sensor_failure",)),
        (reading(flags=frozenset({"output_on"})), ()),
    ],
)
def test_faults(seen: Reading, faults: tuple[str, ...]) -> None:
    assert faults_of(seen, E5CC, 1250) == faults
    codes = [c.code for c in conditions_of(seen, E5CC, 1250, 50)]
    assert tuple(codes[:-1]) == faults
    assert codes[-1] == state_of(seen, 1250, 50)


def test_the_ready_band_is_inclusive() -> None:
    states = [state_of(reading(t), 1250, 50) for t in (1199, 1200, 1300, 1301)]
    assert states == ["heating", "ready", "ready", "cooling"]


@pytest.mark.parametrize(
    ("passes", "warm", "outcome"),
    [
        (7, True, Outcome.NOT_PRINTED),
        (7, False, Outcome.NOT_PRINTED),
        (8, True, Outcome.PRINTED),
        (8, False, Outcome.UNDETERMINED),
        (9, True, Outcome.UNDETERMINED),
        (6, True, Outcome.UNDETERMINED),
    ],
)
def test_the_counter_decides(passes: int, warm: bool, outcome: Outcome) -> None:
    before = Snapshot("l", "omron-e5cc", "", {"passes": 7})
    result = decide(before, Snapshot("l", "omron-e5cc", "", {"passes": passes}), warm)
    assert result.outcome is outcome
    assert bool(result.reason_es) is (outcome is not Outcome.PRINTED)


def test_without_a_journalled_count_nothing_is_known() -> None:
    assert passes_since(Snapshot("l", "m", "", {}), 3) == -1
