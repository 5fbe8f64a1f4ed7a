"""The hall of the power-cut tests: machines as processes, and daemons that lead short lives.

The machines keep running while daemons are killed, as printers do; their bodies are the judges.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from issuer.trial.bench import PROJECT, sample_day
from issuer.trial.bench import Machine as Kind

START_S = 60.0  # a machine shared with other test processes may take its time
BLANKS = 40
LEASE_S = 1.5
SECONDS_PER_CARD = 0.25

# Waits short enough for a test, long enough for a busy machine.
EVOLIS = {
    "connect_attempts": "3",
    "connect_timeout_s": "3",
    "reply_timeout_s": "5",
    "step_timeout_s": "20",
    "finish_timeout_s": "20",
    "idle_grace_s": "1",
    "poll_s": "0.05",
}
PAPER = {"job_timeout_s": "20", "settle_s": "8", "poll_s": "0.05"}
POUCH = {"settle_s": "3", "poll_s": "0.05", "feed_timeout_s": "30"}
OPTIONS = {"lic-1": EVOLIS, "ci-1": PAPER, "pouch-1": POUCH}


def kinds(directory: Path) -> tuple[Kind, ...]:
    """Licences over TCP, identity card forms over IPP, and their plastifier on a serial line."""
    pouch = f"pty://{directory}/lines/pouch-1"
    quick = ("--speed", "400", "--seconds-per-pouch", "0.1")
    return (
        Kind("lic-1", "printer", "evolis-agilia", "tcp://127.0.0.1:0", ("LIC",), "PVC-LIC", "LA"),
        Kind("ci-1", "printer", "ipp", "ipp://127.0.0.1:0/ipp/print", ("CI",), "CI-PAPELETA", "CP"),
        Kind("pouch-1", "laminator", "omron-e5cc", pouch, ("CI",), extra=quick),
    )


@dataclass(slots=True)
class Machine:
    """One simulated machine; :meth:`cut` pulls its plug, :meth:`start` plugs it in again."""

    kind: Kind
    directory: Path
    seconds: float
    stable: Stable
    url: str = ""
    process: Life | None = None

    def start(self) -> None:
        """Switches it on, on the same address as before; waits until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        ready = self.directory / "ready"
        ready.unlink(missing_ok=True)
        log = self.directory / "log.txt"
        self.process = self.stable.machine([self.kind.role, *self._arguments(ready)], log)
        self._wait_ready(ready)

    def _arguments(self, ready: Path) -> list[str]:
        kind = self.kind
        listen = kind.listen if kind.role == "laminator" or not self.url else self.url
        found = ["--model", kind.model, "--listen", listen, "--out", str(self.directory)]
        found += ["--ready", str(ready), *kind.extra]
        if kind.material is None:
            return [*found, "--auto-feed", "-1"]
        hopper = self.directory / "hopper.txt"
        serials = (f"{kind.prefix}{number:08d}" for number in range(1, BLANKS + 1))
        hopper.write_text("\n".join(serials), encoding="utf-8")
        found += ["--hopper", str(hopper), "--seconds-per-card", str(self.seconds)]
        return found + (["--serial", kind.name.upper()] if kind.model.startswith("evolis") else [])

    def _wait_ready(self, ready: Path) -> None:
        deadline = time.monotonic() + START_S
        while not ready.exists():
            if time.monotonic() > deadline:
                said = (self.directory / "log.txt").read_text(errors="replace")
                raise AssertionError(f"{self.kind.name} is not ready: {said}")
            time.sleep(0.02)
        self.url = ready.read_text(encoding="utf-8").strip()

    def cut(self) -> None:
        """SIGKILL: no power, nothing tidied up."""
        if self.process is not None:
            self.process.end()

    def body(self) -> dict[str, Any]:
        """What is true of the metal, from the disk."""
        found: dict[str, Any] = json.loads((self.directory / "body.json").read_bytes())
        return found

    def until(self, what: Callable[[dict[str, Any]], bool], seconds: float = 60.0) -> None:
        """Waits until the body shows it; looks every few milliseconds."""
        deadline = time.monotonic() + seconds
        while not what(self.body()):
            assert time.monotonic() < deadline, f"{self.kind.name}: {self.body()}"
            time.sleep(0.01)


@dataclass(slots=True)
class Hall:
    """An office of its own: machines, an empty store, and the configuration of its daemons."""

    directory: Path
    machines: dict[str, Machine]
    config: Path
    store_url: str
    lives: list[Life] = field(default_factory=list)


@contextmanager
def open_hall(
    directory: Path, stable: Stable, hsm_dir: Path, *, store: str = "sqlite", template: Path
) -> Iterator[Hall]:
    """Starts the machines and writes the configuration; ends both afterwards, with every life.

    ``store``: "sqlite" (a copy of ``template``) or the URL of a migrated, empty database.
    """
    (directory / "lines").mkdir(parents=True)
    (directory / "data").mkdir()
    url = store
    if store == "sqlite":
        shutil.copy(template, directory / "data" / "fedatario.db")
        url = f"sqlite:///{directory / 'data' / 'fedatario.db'}"
    machines = {
        kind.name: Machine(kind, directory / "machines" / kind.name, SECONDS_PER_CARD, stable)
        for kind in kinds(directory)
    }
    hall = Hall(directory, machines, directory / "fedatario.toml", url)
    try:
        starting = [threading.Thread(target=m.start, name=m.kind.name) for m in machines.values()]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        _write_config(hall, hsm_dir, store)
        yield hall
    finally:
        for life in hall.lives:
            life.end()
        for machine in machines.values():
            machine.cut()


def _write_config(hall: Hall, hsm_dir: Path, store: str) -> None:
    day = sample_day()
    blocks = [
        f'[service]\ndata_dir = "data"\nstore = "{store}"\noffice = "{day["office"]}"\n'
        f"lease_s = {LEASE_S}\ncomposers = 1\nbusiness_date = {day['date']}\n"
        f'samples = "{PROJECT / "samples" / "day"}"\n',
        f'[hsm]\ndir = "{hsm_dir}"\n',
    ]
    for machine in hall.machines.values():
        kind = machine.kind
        assert machine.url, f"{kind.name} did not start"
        options = "".join(f'{key} = "{value}"\n' for key, value in OPTIONS[kind.name].items())
        blocks.append(
            f'[[{kind.role}]]\nname = "{kind.name}"\nmodel = "{kind.model}"\n'
            f'url = "{machine.url}"\ndocuments = ["{kind.documents[0]}"]\n'
            f"[{kind.role}.options]\n{options}"
        )
    hall.config.write_text("\n".join(blocks), encoding="utf-8")


class Life:
    """One process of the stable, a daemon or a machine: to its end, whichever that is."""

    def __init__(self, pid: int, marks: queue.Queue[Mapping[str, Any]]) -> None:
        self.pid = pid
        self.status: int | None = None  # as waitpid gave it
        self.seen: list[str] = []
        self._marks = marks

    def wait(self, mark: str, seconds: float = 90.0) -> str:
        """Waits for "ready", "stopping", "over" (all jobs are), or "ended" (the process is).

        Returns what the mark says with it. Fails when the process ends without the mark.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                found = self._marks.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {mark!r} in {seconds:.0f} s; saw {self.seen}") from None
            self.seen.append(f"{found['mark']} {found.get('text', '')}".strip())
            if found["mark"] == "ended":
                self.status = int(found["status"])
                self._sweep_up()
            if found["mark"] == mark:
                return str(found.get("text", ""))
            if found["mark"] == "ended":
                raise AssertionError(f"the daemon ended before {mark!r}: {self.seen}")

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.status is not None and os.WTERMSIG(self.status) == signal.SIGKILL

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the daemon's process alone."""
        os.kill(self.pid, number)

    def stop(self) -> None:
        """SIGSTOP, and waits until it stands still."""
        self.signal(signal.SIGSTOP)
        self.wait_stopped()

    def wait_stopped(self) -> None:
        """Waits until the kernel says that the process is stopped."""
        deadline = time.monotonic() + 10
        stat = Path(f"/proc/{self.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < deadline, "the daemon does not stop"
            time.sleep(0.005)

    def end(self) -> None:
        """Ends it if it still runs."""
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended; the mark is on its way
                self.signal(signal.SIGKILL)
            self.wait("ended", 30)

    def _sweep_up(self) -> None:
        """Ends what the daemon left behind in its own process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


class Stable:
    """Forks daemons and machines that have everything imported: a start takes a moment."""

    def __init__(self) -> None:
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}  # threads and fork do not mix
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.crash_daemon"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROJECT,
            env=environment,
        )
        self._marks: dict[int, queue.Queue[Mapping[str, Any]]] = {}
        self._born: queue.Queue[int] = queue.Queue()
        self._asking = threading.Lock()
        threading.Thread(target=self._listen, name="stable", daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            if told["mark"] == "born":
                self._marks[told["pid"]] = queue.Queue()
                self._born.put(told["pid"])
            else:
                self._marks[told["pid"]].put(told)

    def life(self, hall: Hall, requests: Sequence[str] = (), **plan: object) -> Life:
        """Starts a daemon with a person at its counter. ``requests`` are taken in first.

        ``kill`` or ``stop``: [durable point, nth time]: SIGKILL or SIGSTOP by its own hand.
        ``kill_after_s``: SIGKILL so many seconds after the requests are in. ``person``: "all"
        (does everything, and the life is over when every job is) or "orders".
        """
        life = self._fork({"config": str(hall.config), "requests": list(requests), **plan})
        hall.lives.append(life)
        return life

    def machine(self, arguments: Sequence[str], log: Path) -> Life:
        """Starts a simulated machine with the arguments of ``fedatario sim``."""
        return self._fork({"machine": list(arguments), "log": str(log)})

    def _fork(self, plan: Mapping[str, Any]) -> Life:
        assert self._process.stdin is not None
        with self._asking:
            self._process.stdin.write(json.dumps(plan).encode() + b"\n")
            self._process.stdin.flush()
            pid = self._born.get(timeout=START_S)
        return Life(pid, self._marks[pid])

    def close(self) -> None:
        """Ends the stable; its daemons must have ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
