"""Is issuing flat as the store grows? The same documents on an empty store and on a grown one.

Grown means jobs, applications, documents, blanks, movements, journal and events of documents that
were delivered before. BENCH_GROWTH_DOCUMENTS sets how many (100,000 by default: 1.6 million rows).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select

from benchmarks.issue import measure
from issuer.daemon import Daemon
from issuer.profile import load_profile
from issuer.store.schema import (
    applications,
    blanks,
    documents,
    events,
    jobs,
    journal,
    movements,
    office_sequences,
)
from issuer.trial.bench import PROJECT, prepare_hsm

GROWN = int(os.environ.get("BENCH_GROWTH_DOCUMENTS", "100000"))
COUNT = 200
CHUNK = 2000
MOST_SLOWER = 1.25
_LONG_AGO = datetime(2026, 1, 2, tzinfo=UTC)


async def grow(daemon: Daemon) -> None:
    """Bulk-loads delivered documents, a chunk a transaction."""
    for start in range(0, GROWN, CHUNK):
        await daemon.services.store.run(_chunk, daemon.office, start, min(CHUNK, GROWN - start))


def _chunk(conn: Connection, office: str, start: int, count: int) -> None:
    numbers = range(start, start + count)
    mine = office_sequences.c.office == office
    event = conn.execute(select(office_sequences.c.next_event).where(mine)).scalar_one()
    rows: dict[Any, list[dict[str, Any]]] = {
        jobs: [], applications: [], documents: [], blanks: [], movements: [], journal: [],
        events: [],
    }  # fmt: skip
    for n in numbers:
        at = _LONG_AGO + timedelta(seconds=n)
        job, number, serial = f"g{n:031d}", f"X{n:08d}", f"GG{n:08d}"
        rows[jobs].append(
            {
                "id": job, "office": office, "request_id": f"G-{n}", "ticket": f"{n % 10000:04d}",
                "document_type": "CI", "kind": "new", "state": "delivered", "priority": 0,
                "released": True, "lane": f"ci-{n % 12}", "document_number": number,
                "reasons": [], "created_at": at, "updated_at": at,
            }
        )  # fmt: skip
        rows[applications].append({"job_id": job, "office": office, "data": {"grown": n}})
        rows[documents].append(
            {
                "number": number, "office": office, "type": "CI", "job_id": job,
                "person_id": f"G{n}", "state": "delivered", "blank_material": "CI-PAPELETA",
                "blank_serial": serial, "printer": f"ci-{n % 12}", "status_list": "g",
                "status_index": n, "claims": b"c" * 280, "qr_text": "Q" * 410, "created_at": at,
            }
        )  # fmt: skip
        rows[blanks].append(
            {
                "material": "CI-PAPELETA", "serial": serial, "office": office, "lot": "G",
                "place": "issued", "state": "issued", "document_number": number, "updated_at": at,
            }
        )  # fmt: skip
        rows[journal].append(
            {
                "office": office, "job_id": job, "document_number": number, "act": "print",
                "device": "ci-0", "lease_number": 1, "before": {}, "intended_at": at,
                "outcome": "printed", "after": {},
            }
        )  # fmt: skip
        places = ("supplier", f"store:{office}", "hopper:ci-0", f"printed:{office}", "issued")
        rows[movements] += [
            {
                "office": office, "seq": 10_000_000 + n * 4 + step, "at": at, "actor": "bench",
                "cause": "received", "material": "CI-PAPELETA", "serial": serial, "quantity": 1,
                "source": places[step], "target": places[step + 1], "document_number": number,
            }
            for step in range(4)
        ]  # fmt: skip
        rows[events] += [
            {
                "office": office, "seq": event + (n - start) * 7 + step, "epoch": 0, "at": at,
                "kind": "job.grown", "subject": job, "data": {},
            }
            for step in range(7)
        ]  # fmt: skip
    for table, values in rows.items():
        conn.execute(insert(table), values)
    conn.execute(office_sequences.update().where(mine).values(next_event=event + count * 7))


def run() -> list[dict[str, Any]]:
    """See ``benchmarks.__main__``. The reference is the empty store, in the same run."""
    directory = Path(tempfile.mkdtemp(prefix="bench-growth-"))
    try:
        profile = load_profile(PROJECT / "issuer" / "profiles" / "bolivia")
        hsm = prepare_hsm(directory / "hsm", profile)
        seconds: dict[str, list[float]] = {"empty": [], "grown": []}
        loading = 0.0
        for turn in range(2):  # interleaved: the machine's own drift hits both
            for name in seconds:
                place = directory / f"{name}-{turn}"
                place.mkdir()
                start = time.perf_counter()
                spent, _ = asyncio.run(
                    measure(place, hsm, "sqlite", COUNT, grow if name == "grown" else None)
                )
                seconds[name].append(spent)
                loading = max(loading, time.perf_counter() - start - spent)
                shutil.rmtree(place)
    finally:
        shutil.rmtree(directory)
    empty, grown = (COUNT / min(found) for found in seconds.values())
    return [
        {
            "bench": "growth",
            "name": f"issuing on a store with {GROWN:,} documents",
            "value": grown,
            "unit": "documents/s",
            "reference": "empty store, same run",
            "reference_value": empty,
            "ratio": grown / empty,
            "target": f">= {1 / MOST_SLOWER:g}",
            "holds": grown / empty >= 1 / MOST_SLOWER,
        }
    ]
