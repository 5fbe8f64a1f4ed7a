"""The configuration file: what is wrong is named with file and line; lanes fit the profile."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from issuer.config import Config, ConfigError, load_config
from issuer.daemon import check_lanes
from issuer.profile import Profile
from issuer.trial.bench import PROJECT

EXAMPLE = PROJECT / "issuer" / "fedatario.example.toml"
GOOD = """\
[service]
data_dir = "data"
office = "CH-01"

[hsm]
dir = "hsm"

[[printer]]
name = "lic-1"
model = "evolis-agilia"
url = "tcp://127.0.0.1:9100"
documents = ["LIC"]

[[printer]]
name = "ci-1"
model = "ipp"
url = "ipp://127.0.0.1:8631/ipp/print"
documents = ["CI"]
"""


def written(tmp_path: Path, old: str = "", new: str = "") -> Path:
    """The good file with one change."""
    assert not old or GOOD.count(old) >= 1
    path = tmp_path / "fedatario.toml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_example_loads_and_its_paths_count_from_it() -> None:
    config = load_config(EXAMPLE)
    assert config.service.data_dir == EXAMPLE.parent / "data"
    assert config.trust_dir == EXAMPLE.parent / "hsm" / "trust"
    assert config.store_url == f"sqlite:///{EXAMPLE.parent}/data/fedatario.db"
    assert [device.name for device in config.printer] == ["lic-1", "cie-1", "ci-1"]
    assert config.web.host == "127.0.0.1"
    assert (config.profile_dir / "agency.toml").is_file()


def test_the_good_file_loads(tmp_path: Path) -> None:
    config = load_config(written(tmp_path))
    assert config.service.data_dir == tmp_path / "data"
    assert config.printer[0].device().url == "tcp://127.0.0.1:9100"


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('office = "CH-01"', 'offise = "CH-01"', 3, "service.offise"),
        ('office = "CH-01"', "office = 7", 3, "service.office"),
        ('office = "CH-01"', 'office = "CH-01"\nlease_s = 0.1', 4, "service.lease_s"),
        ('office = "CH-01"', 'office = "CH-01"\ncomposers = "two"', 4, "service.composers"),
        ('name = "ci-1"', 'name = "CI 1"', 15, "printer.1.name"),
        ('model = "ipp"', "", 14, "printer.1.model"),
        ('dir = "hsm"', 'dir = "hsm"\nhedge_after_ms = 1', 7, "hsm.hedge_after_ms"),
        ("[hsm]", "[web]\nport = 70000\n[hsm]", 6, "web.port"),
        ("[hsm]", "[logg]\n[hsm]", 5, "logg"),
    ],
)
def test_a_wrong_value_is_named_with_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    path = written(tmp_path, old, new)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert f"{path}:{line}: {words}" in str(caught.value)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "fedatario.toml"
    path.write_text(GOOD.replace('"CH-01"', "7").replace('"ipp"', "8"), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    found = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in found] == [f"{path}:3", f"{path}:16"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "ci-1"', 'name = "lic-1"', "stand twice: lic-1"),
        ("ipp://127.0.0.1:8631/ipp/print", "tcp://127.0.0.1:9100", "one owner per device"),
        ('documents = ["CI"]', "documents = []", "prints nothing"),
    ],
)
def test_devices_are_checked_against_each_other(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        load_config(written(tmp_path, old, new))


def test_what_is_no_toml_is_named_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, 'office = "CH-01"', "office = CH-01")
    with pytest.raises(ConfigError, match=r"fedatario\.toml: .*line 3"):
        load_config(path)


def test_a_file_that_is_not_there_says_where_to_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml.*fedatario\.example\.toml"):
        load_config(tmp_path / "nothing.toml")


def lanes(tmp_path: Path, *changes: tuple[str, str]) -> Config:
    path = tmp_path / "fedatario.toml"
    text = GOOD
    for old, new in changes:
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def test_good_lanes_pass(tmp_path: Path, bolivia_profile: Profile) -> None:
    check_lanes(lanes(tmp_path), bolivia_profile)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("CH-01", "XX-99", "office 'XX-99' is not in the profile"),
        ('["LIC"]', '["LIC", "NADA"]', "printer lic-1: the profile has no document 'NADA'"),
        ('["LIC"]', '["LIC", "LCC"]', "printer lic-1: LIC, LCC want different blanks"),
        ('["CI"]', '["LCC"]', r"printer ci-1: LCC is not printed on a ipp .*evolis-agilia"),
    ],
)
def test_lanes_that_do_not_fit_the_profile(
    tmp_path: Path, bolivia_profile: Profile, old: str, new: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        check_lanes(lanes(tmp_path, (old, new)), bolivia_profile)


def test_every_problem_of_the_lanes_is_told_at_once(
    tmp_path: Path, bolivia_profile: Profile
) -> None:
    config = lanes(tmp_path, ("CH-01", "XX-99"), ('["LIC"]', '["LIC", "LCC"]'))
    with pytest.raises(ConfigError) as caught:
        check_lanes(config, bolivia_profile)
    assert len(str(caught.value).splitlines()) == 2


def test_one_profile_s_lanes_are_not_another_s(tmp_path: Path, bolivia_profile: Profile) -> None:
    poorer = {code: kind for code, kind in bolivia_profile.documents.items() if code != "CI"}
    with pytest.raises(ConfigError, match="no document 'CI'"):
        check_lanes(lanes(tmp_path), replace(bolivia_profile, documents=poorer))
