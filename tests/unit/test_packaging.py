"""The wheel's rules against the tree: a template that no rule names is missing only at the user's.

setuptools takes a package where a directory holds ``__init__.py`` and fits ``packages.find``, and
a data file where a glob of ``package-data`` fits it (setuptools user guide, "Data Files Support").
Both are applied here as it does, without a build.
"""

import glob
import tomllib
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RULES = PROJECT["tool"]["setuptools"]
ROOMS = ("verifier", "crypto", "layouts", "printers", "firmware_sim", "issuer")
LEFT_BEHIND = {".pyc"}  # what running the code leaves in the tree


def files(room: str) -> list[Path]:
    """Every file of a room, relative to the project."""
    return [
        path.relative_to(ROOT)
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix not in LEFT_BEHIND
    ]


def packages() -> set[str]:
    """Dotted names that ``packages.find`` takes: each parent must be a package too."""
    found = set()
    for room in ROOMS:
        for init in sorted((ROOT / room).rglob("__init__.py")):
            parts = init.parent.relative_to(ROOT).parts
            whole = all(
                (ROOT.joinpath(*parts[: n + 1]) / "__init__.py").exists() for n in range(len(parts))
            )
            name = ".".join(parts)
            if whole and any(
                fnmatch(name, pattern) for pattern in RULES["packages"]["find"]["include"]
            ):
                found.add(name)
    return found


def data_files() -> set[Path]:
    """What the globs of ``package-data`` name, relative to the project."""
    found = set()
    for package, patterns in RULES["package-data"].items():
        directory = ROOT.joinpath(*package.split("."))
        for pattern in patterns:
            hits = glob.glob(pattern, root_dir=directory, recursive=True)
            found |= {(directory / hit).relative_to(ROOT) for hit in hits}
    return found


def test_every_python_file_is_in_a_package_that_the_wheel_takes() -> None:
    taken = packages()
    assert set(ROOMS) <= taken
    left_out = [
        str(path)
        for room in ROOMS
        for path in files(room)
        if path.suffix == ".py" and ".".join(path.parent.parts) not in taken
    ]
    assert not left_out, f"give the directory an __init__.py: {left_out}"


def test_every_other_file_is_named_by_package_data() -> None:
    named = data_files()
    left_out = [
        str(path)
        for room in ROOMS
        for path in files(room)
        if path.suffix != ".py" and path not in named
    ]
    assert not left_out, f"[tool.setuptools.package-data] names none of: {left_out}"


def test_each_rule_still_names_something_of_a_real_package() -> None:
    taken = packages()
    for package, patterns in RULES["package-data"].items():
        assert package in taken, f"package-data of {package}, which is no package"
        directory = ROOT.joinpath(*package.split("."))
        for pattern in patterns:
            assert glob.glob(pattern, root_dir=directory, recursive=True), f"{package}: {pattern}"


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_say_that_they_carry_types(room: str) -> None:
    assert (ROOT / room / "py.typed").exists()  # PEP 561


@pytest.mark.parametrize("script", sorted(PROJECT["project"]["scripts"]))
def test_commands_lead_to_something_to_call(script: str) -> None:
    module, _, name = PROJECT["project"]["scripts"][script].partition(":")
    assert callable(getattr(import_module(module), name))


def test_the_licence_travels_with_the_wheel() -> None:
    for name in PROJECT["project"]["license-files"]:
        assert (ROOT / name).read_text(encoding="utf-8").startswith("MIT License")
