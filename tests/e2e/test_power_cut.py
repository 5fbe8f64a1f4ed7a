"""The power goes: SIGKILL of the daemon at every durable point and at random moments.

The machines keep running meanwhile, as printers do; their bodies and trays are the judges
(tests/e2e/judge.py), and a person with eyes and hands finishes (tests/e2e/person.py).
"""

from __future__ import annotations

import contextlib
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import make_url

from issuer.domain import JobState
from issuer.trial.bench import load_bench_profile, prepare_hsm
from tests.e2e.bench import LEASE_S, Hall, Life, Machine, Stable, open_hall
from tests.e2e.judge import Books, judge

# Requests of the sample day that admission grants, in the order in which lives take them in.
LICENCES = ("L-069", "L-071", "L-004", "L-070", "L-003", "L-007", "L-066", "L-002")
CARDS = ("H-004", "D-021", "D-015", "D-023", "D-009", "H-009", "D-007", "H-001")
MIXED = [request for pair in zip(LICENCES, CARDS, strict=True) for request in pair]
ORDER = {"lic-1": LICENCES[:1], "ci-1": CARDS[:1]}

# Each life takes in one request more and ends at its point; the next one begins with what it left.
# "determined" is only reached by a daemon that finds an interrupted print.
CHAINS = {
    "before_ink": (MIXED, ("admitted", "reserved", "sealing", "sealed", "composed")),
    "ink": (MIXED, ("printing", "determined", "printed")),
    "after_ink": (CARDS, ("laminating", "laminated", "inspected", "settled")),
}
PANELS = 8  # Y, M, C and K on both sides; the last one is printed when the host has sent its all
KILLS = 10  # in a row, at random moments


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
def hall(stable: Stable, tmp_path: Path, hsm_dir: Path, sqlite_template: Path) -> Iterator[Hall]:
    with open_hall(tmp_path / "hall", stable, hsm_dir, template=sqlite_template) as found:
        yield found


def finish(stable: Stable, hall: Hall, requests: Sequence[str] = ()) -> Books:
    """A last life, in which the person brings everything to its end; then the judge."""
    life = stable.life(hall, requests)
    life.wait("over")
    life.wait("ended")
    assert life.status == 0
    return all_delivered(hall)


def all_delivered(hall: Hall) -> Books:
    books = judge(hall)
    assert {row.state for row in books.jobs} == {JobState.DELIVERED.value}
    return books


def die_in_turn(stable: Stable, hall: Hall, requests: Sequence[str], points: Sequence[str]) -> None:
    """A life for each point, with a request more in each."""
    for number, point in enumerate(points, 1):
        life = stable.life(hall, requests[:number], kill=(point, 1))
        life.wait("ended")
        assert life.killed, f"{point} was not reached: {life.seen}"


@pytest.mark.parametrize("chain", CHAINS)
def test_killed_at_a_durable_point(stable: Stable, hall: Hall, chain: str) -> None:
    requests, points = CHAINS[chain]
    die_in_turn(stable, hall, requests, points)
    requests = requests[: len(points)]
    assert len(finish(stable, hall, requests).jobs) == len(requests)


@pytest.mark.timeout(300)
def test_killed_at_random_moments(stable: Stable, hall: Hall, seed: int) -> None:
    dice = random.Random(seed)
    requests = dice.sample(MIXED, KILLS)
    for number in range(1, KILLS + 1):
        life = stable.life(hall, requests[:number], kill_after_s=dice.uniform(0.0, 4.0))
        life.wait("ended")
    assert len(finish(stable, hall, requests).jobs) == KILLS


def test_killed_on_postgresql(
    stable: Stable, tmp_path: Path, hsm_dir: Path, postgres_database: str, sqlite_template: Path
) -> None:
    place = tmp_path / "hall"
    url = postgres_database
    with open_hall(place, stable, hsm_dir, store=url, template=sqlite_template) as hall:
        die_in_turn(stable, hall, LICENCES, ("printing", "printed"))
        assert len(finish(stable, hall, LICENCES[:2]).jobs) == 2


def test_killed_with_a_card_inside(stable: Stable, hall: Hall) -> None:
    """A card printer keeps the half-sent job's card: spoiled, and printed again by a person's
    word alone. A paper printer has its whole document by then: printed, by its own list."""
    for machine, request in ORDER.items():
        life = stable.life(hall, request)
        hall.machines[machine].until(lambda body: body["inside"] is not None)
        life.end()
    books = finish(stable, hall)
    assert {row.document_type: row.reprint_reason is not None for row in books.jobs} == {
        "LIC": True,
        "CI": False,
    }


def test_killed_while_the_card_leaves_the_machine(stable: Stable, hall: Hall) -> None:
    """The machine has everything and goes on alone: its counters prove the card. Whoever sent it
    again would print twice."""
    life = stable.life(hall, ORDER["lic-1"])
    hall.machines["lic-1"].until(lambda body: body["counters"]["panels"] == PANELS)
    life.end()
    books = finish(stable, hall)
    assert [line.outcome for line in books.journal] == ["printed"]
    assert hall.machines["lic-1"].body()["laid"] == 1


# --- a daemon that sleeps ---


# A stopped process keeps its plastifier's serial line for itself, so identity cards are finished
# only once the sleeper has woken up and given it back.
@pytest.mark.parametrize(
    ("machine", "wakes"),
    [("lic-1", "when_all_is_over"), ("lic-1", "meanwhile"), ("ci-1", "meanwhile")],
)
def test_stopped_past_its_lease_before_sending(
    stable: Stable, hall: Hall, machine: str, wakes: str
) -> None:
    """The sleeper had stored its intention and sent nothing: the other finds the machine
    untouched and prints. The sleeper wakes with a gate that says no."""
    sleeper = stable.life(hall, ORDER[machine], stop=("printing", 1), person="orders")
    sleeper.wait("stopping")
    sleeper.wait_stopped()
    other = stable.life(hall)
    if wakes == "meanwhile":
        hall.machines[machine].until(lambda body: body["inside"] is not None)
        sleeper.signal(signal.SIGCONT)
    other.wait("over")
    sleeper.signal(signal.SIGCONT)
    fenced(hall)
    books = all_delivered(hall)
    assert reprinted(books) == 0
    assert hall.machines[machine].body()["laid"] == 1


def test_stopped_past_its_lease_in_mid_card(stable: Stable, hall: Hall) -> None:
    """The other finds a card inside and a person decides; the sleeper sends no further byte."""
    machine = hall.machines["lic-1"]
    sleeper = stable.life(hall, ORDER["lic-1"], person="orders")
    machine.until(lambda body: body["inside"] is not None)
    stop_between_transactions(sleeper, hall)
    other = stable.life(hall)
    other.wait("ready")
    time.sleep(LEASE_S)
    sleeper.signal(signal.SIGCONT)
    other.wait("over")
    fenced(hall)
    books = all_delivered(hall)
    assert reprinted(books) == 1


# --- printers without power, while the daemon lives ---


def test_the_printers_lose_their_power(stable: Stable, hall: Hall) -> None:
    """In mid card: a person decides. Before the card: it is printed when the power is back."""
    life = stable.life(hall, MIXED[:2])
    cuts = [
        threading.Thread(target=cut_in_mid_card, args=(hall.machines[machine],))
        for machine in ORDER
    ]
    for cut in cuts:
        cut.start()
    life.wait("over")
    life.wait("ended")
    books = all_delivered(hall)
    assert reprinted(books) == 2
    assert [row.state for row in books.blanks].count("spoiled") == 2
    licences = hall.machines["lic-1"]
    laid = licences.body()["laid"]
    licences.cut()
    life = stable.life(hall, LICENCES[:2])
    life.wait("ready")
    time.sleep(LEASE_S)
    licences.start()
    life.wait("over")
    assert reprinted(all_delivered(hall)) == 2
    assert licences.body()["laid"] == laid + 1


def cut_in_mid_card(machine: Machine) -> None:
    """Pulls the plug with a card inside, and plugs it in again."""
    machine.until(lambda body: body["inside"] is not None)
    machine.cut()
    machine.start()


def reprinted(books: Books) -> int:
    """How many prints a person ordered anew."""
    return sum(row.reprint_reason is not None for row in books.jobs)


def fenced(hall: Hall) -> None:
    """Waits until the log says that a daemon found its job in another's hands."""
    log = hall.directory / "daemon.log"
    deadline = time.monotonic() + 30
    while '"job.fenced"' not in log.read_text():
        assert time.monotonic() < deadline, "nobody was fenced"
        time.sleep(0.05)


def stop_between_transactions(life: Life, hall: Hall) -> None:
    """SIGSTOP while no transaction is open: a stopped writer would keep SQLite's lock."""
    path = make_url(hall.store_url).database
    assert path is not None
    while True:
        life.stop()
        with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as probe:
            try:
                probe.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                life.signal(signal.SIGCONT)
                time.sleep(0.001)
                continue
            probe.execute("ROLLBACK")
            return
