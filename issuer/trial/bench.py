"""The bench: HSM stores kept between runs, fresh simulated machines, and a configuration file."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from crypto.ceremony import embedded_plan, run_ceremony
from firmware_sim.control import request
from issuer.config import Config, load_config
from issuer.profile import Profile, load_profile

PROJECT = Path(__file__).resolve().parent.parent.parent
DAY = PROJECT / "samples" / "day"
START_S = 20.0


class BenchError(Exception):
    """The bench could not be set up; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One simulated machine: what it prints, and on which blank."""

    name: str
    role: str  # printer, laminator
    model: str
    listen: str
    documents: tuple[str, ...]
    material: str | None = None
    prefix: str = ""
    extra: tuple[str, ...] = ()


def machines(directory: Path) -> tuple[Machine, ...]:
    """An office's machines: retransfer over TCP, direct-to-card and plastifier over serial lines
    (ptys), paper by IPP. A hopper holds one kind of blank, so each kind has its printer."""
    port = "tcp://127.0.0.1:0"
    ipp = "ipp://127.0.0.1:0/ipp/print"
    lines = directory / "lines"
    return (
        Machine("lic-1", "printer", "evolis-agilia", port, ("LIC",), "PVC-LIC", "LA"),
        Machine("lcc-1", "printer", "evolis-agilia", port, ("LCC",), "PVC-LCC", "LC"),
        Machine(
            "cie-1", "printer", "evolis-primacy2", f"pty://{lines}/cie-1", ("CIE",), "PVC-CIE", "EX"
        ),
        Machine("ci-1", "printer", "ipp", ipp, ("CI",), "CI-PAPELETA", "CP"),
        Machine(
            "pic-1", "printer", "ipp", ipp, ("PIC",), "PIC-FOLIO", "PI", ("--pages-per-form", "1")
        ),
        Machine("pouch-1", "laminator", "omron-e5cc", f"pty://{lines}/pouch-1", ("CI",)),
    )


@dataclass(frozen=True, slots=True)
class Bench:
    """A bench that is up. ``urls`` by machine; each machine's directory is ``machine_dir``."""

    directory: Path
    hsm_dir: Path
    machines: tuple[Machine, ...]
    urls: dict[str, str]
    office: str

    def machine_dir(self, name: str) -> Path:
        """Where a machine keeps its body, its cards and its control socket."""
        return self.directory / "machines" / name

    def cards(self, name: str) -> Path:
        """Where a printer lays what comes out of it."""
        return self.machine_dir(name) / "cards"

    def serials(self, name: str) -> list[str]:
        """What was put into a hopper, top first."""
        text = (self.machine_dir(name) / "hopper.txt").read_text(encoding="utf-8")
        return text.split()

    async def hand(self, name: str, do: str, **message: object) -> dict[str, object]:
        """A person's hand at a machine: feed, load, fault, state."""
        return await asyncio.to_thread(request, self.machine_dir(name), {"do": do, **message})


def prepare_hsm(directory: Path, profile: Profile) -> Path:
    """Two SoftHSM stores with a key per document type, and a root that certified them; once."""
    usages = tuple(kind.usage for kind in profile.documents.values())
    run_ceremony(embedded_plan(directory, usages, authority=profile.authority))
    return directory


def sample_day(samples: Path = DAY) -> dict[str, object]:
    """Business date and office of a day of requests."""
    path = samples / "day.toml"
    if not path.exists():
        raise BenchError(f"{path} is missing: the sample day comes with the sources, run it there")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def write_config(
    bench: Bench, *, port: int, store: str, lease_s: float, samples: Path = DAY
) -> Config:
    """Writes ``fedatario.toml`` for this bench and loads it as any daemon would."""
    day = sample_day(samples)
    blocks = [
        f'[service]\ndata_dir = "data"\nstore = "{store}"\noffice = "{bench.office}"\n'
        f'lease_s = {lease_s}\nbusiness_date = {day["date"]}\nsamples = "{samples}"\n',
        f'[hsm]\ndir = "{bench.hsm_dir}"\n',
        f'[web]\nhost = "127.0.0.1"\nport = {port}\n',
    ]
    for machine in bench.machines:
        names = ", ".join(f'"{code}"' for code in machine.documents)
        blocks.append(
            f'[[{machine.role}]]\nname = "{machine.name}"\nmodel = "{machine.model}"\n'
            f'url = "{bench.urls[machine.name]}"\ndocuments = [{names}]\n'
        )
    path = bench.directory / "fedatario.toml"
    path.write_text("\n".join(blocks), encoding="utf-8")
    return load_config(path)


@asynccontextmanager
async def open_bench(
    directory: Path, hsm_dir: Path, *, blanks: int = 60, seconds_per_card: float = 0.2
) -> AsyncIterator[Bench]:
    """Starts the machines in ``directory`` (made anew) and ends them afterwards."""
    day = sample_day()
    if (directory / "machines").exists():
        await asyncio.to_thread(shutil.rmtree, directory / "machines")
    (directory / "lines").mkdir(parents=True, exist_ok=True)
    found = machines(directory)
    processes: list[asyncio.subprocess.Process] = []
    try:
        starting = [
            _start(directory, machine, blanks, seconds_per_card, processes) for machine in found
        ]
        urls = dict(zip((m.name for m in found), await asyncio.gather(*starting), strict=True))
        yield Bench(directory, hsm_dir, found, urls, str(day["office"]))
    finally:
        await asyncio.gather(*(_end(process) for process in processes))


async def _start(
    directory: Path,
    machine: Machine,
    blanks: int,
    seconds_per_card: float,
    processes: list[asyncio.subprocess.Process],
) -> str:
    out = directory / "machines" / machine.name
    out.mkdir(parents=True)
    ready = out / "ready"
    arguments = ["--model", machine.model, "--listen", machine.listen, "--out", str(out)]
    arguments += ["--ready", str(ready), *machine.extra]
    if machine.material is not None:
        hopper = out / "hopper.txt"
        serials = (f"{machine.prefix}{number:08d}" for number in range(1, blanks + 1))
        hopper.write_text("\n".join(serials), encoding="utf-8")
        arguments += ["--hopper", str(hopper), "--seconds-per-card", str(seconds_per_card)]
        if machine.model.startswith("evolis"):
            arguments += ["--serial", machine.name.upper()]
    else:
        arguments += ["--auto-feed", "-1"]  # our own operator feeds, and counts what he feeds
    log = (out / "log.txt").open("wb")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "firmware_sim.cli", machine.role, *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, cwd=PROJECT,
    )  # fmt: skip
    log.close()
    processes.append(process)
    return await _ready(ready, process, out)


async def _ready(ready: Path, process: asyncio.subprocess.Process, out: Path) -> str:
    async with asyncio.timeout(START_S):
        while True:
            if process.returncode is not None:
                said = (out / "log.txt").read_text(encoding="utf-8", errors="replace")
                raise BenchError(f"the simulated machine {out.name} ended at once: {said.strip()}")
            if ready.exists():
                return ready.read_text(encoding="utf-8").strip()
            await asyncio.sleep(0.02)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()


def load_bench_profile(config: Config | None = None) -> Profile:
    """The profile that the bench uses."""
    directory = config.profile_dir if config else PROJECT / "issuer" / "profiles" / "bolivia"
    return load_profile(directory)
