"""``fedatario sim``: simulated machines alone, for any client, and hands to trouble them.

Each machine module offers ``add_arguments(parser)`` and ``serve(args) -> int``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from firmware_sim.body import BodyError
from firmware_sim.control import ControlError, request

PRINTERS = {
    "evolis-agilia": "firmware_sim.evolis",
    "evolis-primacy2": "firmware_sim.evolis",
    "ipp": "firmware_sim.paper",
}
LAMINATORS = {"omron-e5cc": "firmware_sim.plastifier"}


class Machine(Protocol):
    """What a machine module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds all its options but --model."""

    def serve(self, args: argparse.Namespace) -> int:
        """Runs until ended; the exit code. Raises ValueError or BodyError for a bad start."""


def main(argv: Sequence[str] | None = None, prog: str = "fedatario sim") -> int:
    """Runs ``argv`` (after the words of ``prog``); the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog=prog, description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("what", choices=_WORDS)
    what = parser.parse_args(arguments[:1]).what
    try:
        if what == "printer":
            return _machine(PRINTERS, "evolis-agilia", f"{prog} printer", arguments[1:])
        if what == "laminator":
            return _machine(LAMINATORS, "omron-e5cc", f"{prog} laminator", arguments[1:])
        return _hands(what, f"{prog} {what}", arguments[1:])
    except (BodyError, ControlError, ValueError, OSError) as error:
        sys.stderr.write(f"{prog}: {error}\n")
        return 2


def _machine(models: dict[str, str], default: str, prog: str, arguments: list[str]) -> int:
    # The model decides which other options there are, so it is read first.
    first = argparse.ArgumentParser(prog=prog, add_help=False)
    first.add_argument("--model", choices=sorted(models), default=default)
    model = first.parse_known_args(arguments)[0].model
    machine = cast(Machine, importlib.import_module(models[model]))
    parser = argparse.ArgumentParser(prog=prog, parents=[first])
    machine.add_arguments(parser)
    return machine.serve(parser.parse_args(arguments))


def _hands(what: str, prog: str, arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=prog)
    parser.add_argument("--out", required=True, type=Path, help="the machine's --out directory")
    if what == "fault":
        parser.add_argument("name", help="jam, cover_open, …; a wrong name lists them")
        parser.add_argument("--after-cards", type=int, metavar="N", help="not now but N cards on")
    if what == "load":
        parser.add_argument("serials", nargs="+", help="blanks put below those in the hopper")
    args = parser.parse_args(arguments)
    # Every machine mends what its hands' faults broke at the word "clear".
    message: dict[str, object] = {"do": "clear" if what == "mend" else what}
    if what == "fault":
        when = "now" if args.after_cards is None else args.after_cards
        message |= {"name": args.name, "when": when}
    if what == "load":
        message["serials"] = args.serials
    sys.stdout.write(json.dumps(request(args.out, message), ensure_ascii=False, indent=1) + "\n")
    return 0


_WORDS = ("printer", "laminator", "fault", "state", "load", "mend", "take_reject")
_DESCRIPTION = "Simulated machines on the wires of real ones, and faults by hand."
_EPILOG = (
    "Example: fedatario sim printer --model evolis-primacy2 --listen tcp://127.0.0.1:0 "
    "--out /tmp/p1 --hopper serials.txt; then: fedatario sim fault --out /tmp/p1 jam"
)

if __name__ == "__main__":
    raise SystemExit(main())
