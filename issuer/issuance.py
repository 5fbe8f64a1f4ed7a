"""The flow: from a request to a delivered document, one coroutine, nine steps.

docs/issuance-cycle.md mirrors it: what is durable after each step, what a crash there leaves.
Every step is safe to enter again: it looks at the job's state and does only what is missing. A
person's turn (order the print, inspect, hand over) ends the coroutine; the act starts it again
from the row. Every write is fenced by the lease that came with the job.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from issuer.domain import Fenced, Job
from issuer.lanes import Laminators, Lane
from issuer.services import Rest, Services
from issuer.steps.admitting import admit
from issuer.steps.composing import compose
from issuer.steps.delivering import deliver
from issuer.steps.inspecting import inspect
from issuer.steps.laminating import laminate
from issuer.steps.printing import print_once
from issuer.steps.reserving import reserve
from issuer.steps.sealing import seal
from issuer.steps.settling import settle

log = structlog.get_logger(__name__)


async def issue(job: Job, at: Services, lane: Lane, laminators: Laminators) -> Job:
    """Takes one leased job as far as it goes without a person; returns it as it then stands."""
    at = replace(at, gate=at.heartbeat.ticket())
    try:
        # Step 1. Admit: the request against profile, registry, payment, lists and dated rules.
        job = await admit(job, at)

        async with lane.turn(job):  # one card at a time: blanks leave the hopper in reserved order
            # Step 2. Reserve the hopper's next blank, a document number and a status index.
            job = await reserve(job, at, lane)

            # Step 3. Seal: store the claims, sign in an HSM, verify as the public would, store.
            job = await seal(job, at)

            # Step 4. Compose both faces and read the QR back with two independent readers.
            faces = await compose(job, at, lane)

            # Step 5. Print at most once: journal, send, decide by evidence.
            job = await print_once(job, at, lane, faces)

        # Step 6. Laminate, where the document wants it.
        job = await laminate(job, at, laminators)

        # Step 7. Inspect: the counter scans the QR and the blank's preprinted serial.
        job = await inspect(job, at)

        # Step 8. Settle the stock and publish the status entry.
        job = await settle(job, at)

        # Step 9. Deliver to the holder or a named collector; the earlier card is replaced.
        return await deliver(job, at)
    except Rest as rest:
        return rest.job
    except Fenced:
        # Another daemon, or a person's act, has the job now. Touch nothing.
        log.warning("job.fenced", job=job.id, lane=lane.name)
        at.dropped(job)
        return job
