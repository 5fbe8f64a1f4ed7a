"""Hosts that die: whatever byte was the last, the outcome agrees with the metal.

The judge is the machine's body: how many cards carry ink, where each blank is.
"""

import asyncio
import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

from firmware_sim.evolis import Bench
from firmware_sim.evolis_host import Host
from printers.codecs.evolis import Frame
from printers.codecs.evolis_models import MODELS
from printers.codecs.evolis_replies import Refusal, Reply
from printers.panels import split
from printers.ports import Outcome, PrintJob, Snapshot
from printers.transports import open_transport
from tests.sim.evolis_bench import (
    CHILD,
    agrees,
    body,
    cards,
    driver,
    machine,
    run,
    side,
)


@lru_cache(maxsize=1)
def stream() -> list[bytes]:
    """The frames of a one-sided job on the wire."""
    model = MODELS["evolis-primacy2"]
    panels = split(side(), model.canvas)
    rasters = [model.raster(name, panels[name]) for name in model.panels]
    frames = [model.prepare, Frame("Ss"), Frame("Sr"), *rasters, Frame("Se")]
    return [frame.to_bytes() for frame in frames]


def arrived(bench: Bench, frames: int) -> bool:
    """Whether the machine has taken the first ``frames`` frames of the stream."""
    current = bench.host._job
    if frames < 3:
        return True
    if frames == 9:
        return current is None and bench.machine.state["counters"]["inserted"] == 1
    if current is None or not current.side:
        return False
    return frames == 3 or (current.loaded or ("", "", b""))[1] == "ymcko"[frames - 4]


# Offsets into the job's bytes: (frame, share of it). Frame 3 is panel y, 7 is o, 8 is Se.
CUTS = {
    "nothing": (0, 0.0, Outcome.NOT_PRINTED),
    "half of Pr": (0, 0.5, Outcome.NOT_PRINTED),
    "before Sr": (2, 0.0, Outcome.NOT_PRINTED),
    "half of Sr": (2, 0.5, Outcome.NOT_PRINTED),
    "card taken": (3, 0.0, Outcome.UNDETERMINED),
    "half of the first panel": (3, 0.5, Outcome.UNDETERMINED),
    "first panel without its CR": (3, 0.999999, Outcome.UNDETERMINED),
    "first panel": (4, 0.0, Outcome.UNDETERMINED),
    "half of the third panel": (5, 0.5, Outcome.UNDETERMINED),
    "all panels": (8, 0.0, Outcome.UNDETERMINED),
    "Se without its CR": (8, 0.8, Outcome.UNDETERMINED),
    "all": (9, 0.0, Outcome.PRINTED),
}


ON_A_LINE = ("half of Sr", "first panel without its CR", "all panels", "Se without its CR", "all")


@pytest.mark.parametrize(
    ("cut", "wire"), [*((cut, "tcp") for cut in CUTS), *((cut, "pty") for cut in ON_A_LINE)]
)
async def test_a_host_that_dies_at_any_byte_is_judged_right(
    cut: str, wire: str, tmp_path: Path
) -> None:
    number, share, expected = CUTS[cut]
    frames = [*stream(), b""]
    sent = b"".join(frames[:number]) + frames[number][: int(share * len(frames[number]))]
    out = tmp_path / "m"
    listen = "tcp://127.0.0.1:0" if wire == "tcp" else f"pty://{tmp_path}/line"
    async with machine(out, listen=listen) as bench:
        async with driver(bench.url) as printer:
            before = await printer.snapshot()
        line = await open_transport(bench.url)
        await line.write(sent)
        while not arrived(bench, number):  # a killed host's kernel still delivers
            await asyncio.sleep(0.01)
        await line.close()
        async with driver(bench.url) as printer:
            result = await printer.determine("job-1", before)
            assert result.outcome is expected
            agrees(result, out)
            # A panel is printed by the one after it: what was only loaded never touches the card.
            assert body(out)["laid"] == (number > 4)
            if result.blank_at == "inside":
                await printer.clear()
                rejected = await printer.determine("job-1", before)
                assert (rejected.outcome, rejected.blank_at) == (Outcome.UNDETERMINED, "rejected")
                assert cards(out)[-1]["tray"] == "reject"
            # Whatever was left behind, the next job prints its own card and no other.
            laid = body(out)["laid"]
            assert (await run(printer, PrintJob("j2", front=side())))[1].outcome is Outcome.PRINTED
            assert body(out)["laid"] == laid + 1


@pytest.mark.parametrize("steps", [1, 9, 15])
async def test_a_killed_process_is_judged_by_the_machine(steps: int, tmp_path: Path) -> None:
    out = tmp_path / "m"
    async with machine(out, seconds=0.4) as bench:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, bench.url, str(tmp_path), stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        for _ in range(steps):
            assert await child.stdout.readline()
        child.kill()
        await child.wait()
        before = Snapshot.from_json(json.loads((tmp_path / "before.json").read_text()))
        async with driver(bench.url) as printer:
            result = await printer.determine("job-1", before)
        agrees(result, out)


async def test_a_model_without_the_assumed_counters_still_proves_what_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the guide's own reads: cards inserted, panels printed, INF_RESET."""
    read = Host._read

    def guide_only(self: Host, frame: Frame) -> Reply | None:
        if frame.command == "Rco" and frame.params[0] in "erb":
            return Reply(refusal=Refusal.PARAMETER)
        return read(self, frame)

    monkeypatch.setattr(Host, "_read", guide_only)
    async with machine(tmp_path) as bench, driver(bench.url) as printer:
        before, result = await run(printer)
        assert (set(before.counters), before.boot) == ({"inserted", "panels"}, "")
        assert result.outcome is Outcome.PRINTED, "watched to the tray"
        assert result.after is not None
        assert "restarted" not in [item.code for item in result.after.conditions]
        settled = await printer.determine("job-1", before)
        assert settled.outcome is Outcome.UNDETERMINED, "not watched: inserted proves little"
        assert (await printer.determine("j2", result.after)).outcome is Outcome.NOT_PRINTED
        bench.machine.just_reset = True
        assert (await printer.determine("j2", result.after)).outcome is Outcome.UNDETERMINED
