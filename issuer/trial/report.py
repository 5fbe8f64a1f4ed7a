"""The demonstration's results as files: documents, the trust directory, and a summary."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from issuer.custody.summary import with_counts
from issuer.daemon import Daemon
from issuer.domain import DocumentState, JobState
from issuer.profile import Profile
from issuer.store import custody, documents
from issuer.store.documents import Document
from issuer.store.schema import documents as documents_table
from issuer.trial.bench import Bench
from issuer.trial.counter import Scanned
from issuer.trial.day import POUCHES, Day
from verifier.trust import Trust
from verifier.verdict import Verdict
from verifier.verify import verify

GOOD = (DocumentState.ISSUED, DocumentState.DELIVERED, DocumentState.REPLACED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The summary, and everything in it that is not as it should be."""

    summary: Mapping[str, Any]
    problems: tuple[str, ...]


async def write_report(
    out: Path,
    bench: Bench,
    daemon: Daemon,
    day: Day,
    scanned: Mapping[str, Scanned],
    timings: Mapping[str, float],
) -> Outcome:
    """Writes DIR/documents, DIR/trust and DIR/summary.json; verifies from those files alone."""
    await daemon.services.trust.publish()
    found = await daemon.services.store.read(_documents)
    shutil.copytree(daemon.config.trust_dir, out / "trust", dirs_exist_ok=True)
    trust = Trust.load(out / "trust", daemon.services.clock.now())
    problems: list[str] = []
    rows = []
    for document in found:
        folder = out / "documents" / document.type / document.number
        _write_document(folder, document, scanned.get(document.number), problems)
        rows.append(_row(document, folder.relative_to(out), trust, problems, daemon))
    ledger = await _ledger(bench, daemon, problems)
    refused = _refused(day)
    problems += [
        f"{day.requests[job.id]}: {job.state.value}: {'; '.join(r.en for r in job.reasons)}"
        for job in day.jobs
        if job.state not in (JobState.DELIVERED, JobState.REFUSED)
    ]
    summary = {
        "documents": rows,
        "refused": refused,
        "ledger": ledger,
        "hsms": [
            {"name": hsm.name, "signatures": hsm.signatures, "state": hsm.state}
            for hsm in daemon.services.signer.status()
        ],
        "lost_hsm": day.lost_hsm,
        "timings": {name: round(seconds, 3) for name, seconds in timings.items()},
        "problems": problems,
    }
    (out / "summary.json").write_text(
        json.dumps(summary, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    return Outcome(summary, tuple(problems))


def _documents(conn: Connection) -> list[Document]:
    numbers = conn.execute(
        select(documents_table.c.number)
        .where(documents_table.c.state.in_([state.value for state in GOOD]))
        .order_by(documents_table.c.type, documents_table.c.number)
    ).scalars()
    return [documents.get(conn, number) for number in numbers]


def _write_document(
    folder: Path, document: Document, card: Scanned | None, problems: list[str]
) -> None:
    """``qr.txt``, and the pictures that the machine laid, or the PDF of a certificate."""
    folder.mkdir(parents=True)
    assert document.qr_text is not None
    (folder / "qr.txt").write_text(document.qr_text, encoding="ascii")
    if document.file is not None:
        (folder / f"{document.type.lower()}.pdf").write_bytes(document.file)
        return
    if card is None:
        problems.append(f"{document.number}: nobody scanned it")
        return
    for name in ("front.png", "back.png"):
        if (card.directory / name).exists():
            shutil.copyfile(card.directory / name, folder / name)
    if card.qr_text != document.qr_text:
        problems.append(f"{document.number}: the QR on the card is not the one that was sealed")
    if card.serial != document.blank_serial:
        problems.append(f"{document.number}: printed on {card.serial}, not {document.blank_serial}")


def _row(
    document: Document, path: Path, trust: Trust, problems: list[str], daemon: Daemon
) -> dict[str, Any]:
    now: datetime = daemon.services.clock.now()
    assert document.qr_text is not None
    verdict: Verdict = verify(document.qr_text, trust, at=now)
    # The day is replayed: a document with a short term may have ended on the real calendar.
    ended = document.valid_until is not None and document.valid_until <= now
    wanted = "expired" if ended else "valid"
    wanted = "replaced" if document.state is DocumentState.REPLACED else wanted
    if verdict.state.value != wanted:
        problems.append(f"{document.number}: verdict {verdict.state.value}, {wanted} was expected")
    return {
        "type": document.type,
        "number": document.number,
        "serial": document.blank_serial,
        "path": str(path),
        "verdict": verdict.state.value,
        "hsm": document.hsm,
    }


def _refused(day: Day) -> list[dict[str, Any]]:
    rows = [
        {
            "request": day.requests[job.id],
            "type": job.document_type,
            "reasons": [reason.to_json() for reason in job.reasons],
        }
        for job in day.jobs
        if job.state is JobState.REFUSED
    ]
    return rows + [
        {"request": row.request_id, "type": None, "reasons": [p.to_json() for p in row.problems]}
        for row in day.bad_rows
    ]


async def _ledger(bench: Bench, daemon: Daemon, problems: list[str]) -> list[dict[str, Any]]:
    """The books against what is really in the machines, material by material."""
    lines = await daemon.services.store.read(custody.ledger_summary, daemon.office)
    counted = count_by_hand(bench, daemon.services.profile)
    result = []
    for line in with_counts(lines, counted):
        if not line.balanced or line.counted is None:
            problems.append(
                f"{line.material}: closing {line.closing}, counted {line.counted}, "
                f"expected {line.expected}"
            )
        result.append(line.to_json())
    return result


def count_by_hand(bench: Bench, profile: Profile) -> dict[str, int]:
    """What a person finds who opens every machine: blanks in hoppers, prints left on rolls, and
    the pouches that the operator did not feed."""
    counted: dict[str, int] = defaultdict(int)
    for machine in bench.machines:
        state = json.loads((bench.machine_dir(machine.name) / "body.json").read_bytes())
        if machine.material is None:
            counted["POUCH"] = POUCHES - state["pouches"]
            continue
        counted[machine.material] += len(state["hopper"])
        supplies = {
            material.supply: code
            for document in machine.documents
            for line in profile.document(document).bill
            for code, material in [(line.material, profile.material(line.material))]
            if material.tracking == "roll"
        }
        for name, roll in state.get("rolls", {}).items():
            if name in supplies:
                counted[supplies[name]] += roll["remaining"]
    return dict(counted)
