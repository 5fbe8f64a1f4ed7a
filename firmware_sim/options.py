"""What every simulated machine takes on its command line, and how it says that it is ready."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from firmware_sim.body import write_durably


def add_common_arguments(parser: argparse.ArgumentParser, listen: str) -> None:
    """Adds --listen (``listen`` is the example shown), --out, --ready and --faults."""
    parser.add_argument(
        "--listen", required=True, metavar="URL", help=f"where it is reached, e.g. {listen}"
    )
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="its body, cards and control socket"
    )
    parser.add_argument(
        "--ready", type=Path, metavar="FILE", help="write the URL to open here once it listens"
    )
    parser.add_argument(
        "--faults",
        metavar="SEED:RATE",
        help="random faults, repeatable: 7:0.05 is one card in twenty",
    )


def add_hopper_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --hopper and --seconds-per-card, for machines that take blanks."""
    parser.add_argument(
        "--hopper",
        type=Path,
        metavar="FILE",
        help="preprinted serials, one a line, top first; read when the machine is new",
    )
    parser.add_argument(
        "--seconds-per-card", type=float, default=0.3, metavar="S", help="0.3; a real one takes 30"
    )


def read_hopper(path: Path | None) -> list[str]:
    """The serials of a hopper file, top first; empty lines and # comments are skipped.

    Raises ValueError naming the line of a serial that appears twice.
    """
    if path is None:
        return []
    serials: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        serial = line.strip()
        if not serial or serial.startswith("#"):
            continue
        if serial in serials:
            raise ValueError(f"{path}:{number}: serial {serial} is already in the hopper")
        serials.append(serial)
    return serials


def parse_faults(text: str | None) -> tuple[int, float] | None:
    """Reads SEED:RATE into (seed, probability a card). Raises ValueError with the form wanted."""
    if text is None:
        return None
    seed, colon, rate = text.partition(":")
    try:
        found = int(seed), float(rate)
    except ValueError as error:
        raise ValueError(f"--faults wants SEED:RATE such as 7:0.05, not {text!r}") from error
    if not colon or not 0 <= found[1] <= 1:
        raise ValueError(f"--faults wants a rate between 0 and 1, not {text!r}")
    return found


def announce(url: str, ready: Path | None) -> None:
    """Says where the machine is reached: on standard output and, durably, in ``ready``."""
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    if ready is not None:
        write_durably(ready, url.encode() + b"\n")
