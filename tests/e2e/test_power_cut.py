"""The power goes: SIGKILL of the daemon at every durable point and at random moments.

The machines keep running meanwhile, as printers do; their bodies and trays are the judges
(tests/e2e/judge.py), and a person with eyes and hands finishes (tests/e2e/person.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from issuer.domain import JobState
from issuer.trial.bench import load_bench_profile, prepare_hsm
from tests.e2e.bench import Hall, Stable, open_hall
from tests.e2e.judge import judge

# Requests of the sample day that admission grants, in the order in which lives take them.
LICENCES = ("L-069", "L-071", "L-004", "L-070", "L-003", "L-007", "L-066", "L-002")
CARDS = ("H-004", "D-021", "D-015", "D-023", "D-009", "H-009", "D-007", "H-001")
PAIRS = list(zip(LICENCES, CARDS, strict=True))

# Each life ends at its point, the next one begins with what it left. "determined" is only
# reached by a daemon that finds an interrupted print.
CHAINS = {
    "before_ink": ("admitted", "reserved", "sealing", "sealed", "composed"),
    "ink": ("printing", "determined", "printed"),
    "after_ink": ("laminating", "laminated", "inspected", "settled"),
}
KILLS = 5  # in a row, at random moments


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        runs = 500 if metafunc.config.getoption("--long") else 20
        metafunc.parametrize("seed", range(runs // KILLS))


@pytest.fixture(scope="session")
def hsm_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare_hsm(tmp_path_factory.mktemp("hsm"), load_bench_profile())


@pytest.fixture(scope="session")
def stable() -> Iterator[Stable]:
    found = Stable()
    yield found
    found.close()


@pytest.fixture
def hall(tmp_path: Path, hsm_dir: Path, sqlite_template: Path) -> Iterator[Hall]:
    with open_hall(tmp_path / "hall", hsm_dir, template=sqlite_template) as found:
        yield found


def finish(stable: Stable, hall: Hall, requests: tuple[str, ...] = ()) -> None:
    """A last life, in which the person brings everything to its end."""
    life = stable.life(hall, requests)
    life.wait("over")
    life.wait("ended")
    assert life.status == 0


@pytest.mark.parametrize("chain", CHAINS)
def test_killed_at_a_durable_point(stable: Stable, hall: Hall, chain: str) -> None:
    for point, pair in zip(CHAINS[chain], PAIRS, strict=False):
        life = stable.life(hall, pair, kill=(point, 1))
        life.wait("ended")
        assert life.killed, f"{point} was not reached: {life.seen}"
    finish(stable, hall)
    books = judge(hall)
    assert {row.state for row in books.jobs} == {JobState.DELIVERED.value}


def test_killed_at_random_moments(stable: Stable, hall: Hall, seed: int) -> None:
    dice = random.Random(seed)
    for pair in PAIRS[:KILLS]:
        life = stable.life(hall, pair, kill_after_s=dice.uniform(0.0, 4.0))
        life.wait("ended")
    finish(stable, hall)
    books = judge(hall)
    assert {row.state for row in books.jobs} == {JobState.DELIVERED.value}
