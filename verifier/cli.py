"""``fedatario-verify``: verdicts on files, for people and for programs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .errors import VerificationError
from .pictures import MAX_FILE
from .trust import Trust
from .verdict import State, Verdict
from .verify import verify

ALL_VALID, NOT_ALL_VALID, CANNOT_VERIFY = 0, 1, 2
_MARKS = {State.VALID: "✓", State.VALID_LISTS_OLD: "✓?", State.UNCHECKED: "?"}

_EPILOG = """\
códigos de salida / exit codes:
  0  todos válidos / every document is valid
  1  alguno no lo es, o no se pudo comprobar / some are not, or could not be checked
  2  no se puede verificar (directorio de confianza, argumentos) / cannot verify

ejemplos / examples:
  fedatario-verify --trust trust card.png          photograph or scan of a card
  fedatario-verify certificate.pdf                 a certificate, trust in ./trust
  echo "$QR" | fedatario-verify --text -           the text of a QR code
  fedatario-verify --at 2027-01-31T12:00:00Z x.txt as of a moment (lists as they are now)

Nada sale de este equipo. / Nothing leaves this machine."""


def main(argv: Sequence[str] | None = None) -> int:
    """Verifies the files of ``argv``; one line of JSON each. Returns the exit code."""
    try:
        return _run(_parser().parse_args(argv))
    except BrokenPipeError:  # "| head" has seen enough; the rest was not verified
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_ALL_VALID


def _run(options: argparse.Namespace) -> int:
    try:
        trust = Trust.load(options.trust, options.at)
        results = [_verify_one(name, trust, options) for name in options.files]
    except VerificationError as error:
        _say(str(error), sys.stderr)
        return CANNOT_VERIFY
    accepted = {State.VALID} | ({State.VALID_LISTS_OLD} if options.allow_old_lists else set())
    return ALL_VALID if all(verdict.state in accepted for verdict in results) else NOT_ALL_VALID


def _verify_one(name: str, trust: Trust, options: argparse.Namespace) -> Verdict:
    source: Path | bytes = Path(name)
    if name == "-":
        source = sys.stdin.buffer.read(MAX_FILE + 1)
    age = None if options.max_list_age is None else timedelta(days=options.max_list_age)
    verdict = verify(source, trust, at=options.at, max_list_age=age)
    if options.text:
        _say(_as_text(name, verdict, options.claims))
    else:
        line: dict[str, Any] = {"file": name, **verdict.to_json(claims=options.claims)}
        _say(json.dumps(line, ensure_ascii=False))
    return verdict


def _as_text(name: str, verdict: Verdict, claims: bool) -> str:
    lines = [f"{_MARKS.get(verdict.state, '✗')} {name}: {verdict.es}", f"  {verdict.en}"]
    if verdict.status_issued_at:
        lines.append(f"  lista de estado / status list: {verdict.status_issued_at:%Y-%m-%d %H:%MZ}")
    if claims and verdict.claims:
        shown = verdict.to_json(claims=True)["claims"]
        lines += [
            f"  {key}: {value}" for key, value in shown.items() if value not in (None, [], {})
        ]
    return "\n".join(lines)


def _say(text: str, stream: Any = None) -> None:
    """One message; a terminal that lacks our signs must not stop a verification."""
    out = stream or sys.stdout
    encoding = getattr(out, "encoding", None) or "utf-8"
    out.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: use ISO 8601, e.g. 2026-12-31T12:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = -1.0
    if not 0 < days < 100_000:
        raise argparse.ArgumentTypeError(f"{text!r}: a positive number of days, e.g. 7")
    return days


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fedatario-verify",
        description="Verifica documentos por su QR, sin red. / Verifies documents by their QR, "
        "offline: text, PNG, JPEG or PDF; prints one JSON verdict per file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="text, PNG, JPEG, PDF; - is stdin")
    parser.add_argument(
        "--trust",
        type=Path,
        metavar="DIR",
        default=Path(os.environ.get("FEDATARIO_TRUST", "trust")),
        help="root.pem, trust-list.cbor, status/ (default: $FEDATARIO_TRUST, else ./trust)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a line of JSON per file (default)")
    form.add_argument("--text", action="store_true", help="sentences for people")
    parser.add_argument("--claims", action="store_true", help="show the data too (personal!)")
    parser.add_argument("--at", type=_moment, metavar="TIME", help="verify as of this moment")
    parser.add_argument(
        "--max-list-age", type=_days, metavar="DAYS", help="call lists older than this old"
    )
    parser.add_argument(
        "--allow-old-lists", action="store_true", help="let 'valid, lists old' count as valid"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
