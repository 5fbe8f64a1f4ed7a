"""``./run bench [NAME…]``: runs benchmarks and writes ``bench.json``.

Each module has ``run() -> list[dict]`` with rows of bench, name, value, unit, reference,
reference_value, ratio, target, holds.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PLANNED = {"scan": "verification page", "chuquisaca": "custody", "console": "consoles"}


def available() -> list[str]:
    """Names of the benchmarks that are here."""
    return sorted(p.stem for p in HERE.glob("*.py") if not p.stem.startswith("_"))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the named ones, or all; 1 if a target is missed."""
    names = available()
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    options = parser.parse_args(argv)
    for name in options.names:
        if name not in names:
            hint = f"comes with the {PLANNED[name]}" if name in PLANNED else "is unknown"
            parser.error(f"{name} {hint}; there are: {', '.join(names)}")
    rows: list[dict[str, Any]] = []
    for name in options.names or names:
        print(f"{name} …", flush=True)
        found = importlib.import_module(f"benchmarks.{name}").run()
        rows += found
        for row in found:
            print(_line(row), flush=True)
    options.out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    missed = [row for row in rows if row["holds"] is False]
    print(f"{len(rows)} figures in {options.out}; {len(missed)} below their target")
    return 1 if missed else 0


def _line(row: dict[str, Any]) -> str:
    text = f"  {row['name']}: {row['value']:,.4g} {row['unit']}"
    if row.get("reference"):
        text += f"; {row['reference']}: {row['reference_value']:,.4g}"
    if row.get("ratio") is not None:
        text += f"; ratio {row['ratio']:.3g}"
    if row.get("target"):
        text += f"; target {row['target']}: {'holds' if row['holds'] else 'MISSED'}"
    return text


if __name__ == "__main__":
    sys.exit(main())
