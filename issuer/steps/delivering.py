"""Step 9. Handed to the holder or a named collector; the earlier card becomes replaced."""

from __future__ import annotations

from issuer.domain import Job, JobState
from issuer.services import Rest, Services


async def deliver(job: Job, at: Services) -> Job:
    """A settled document rests until somebody collects it; the act itself is
    :func:`issuer.acts.deliver`, which finishes the job in one transaction."""
    if job.state is JobState.DELIVERED:
        return job
    raise Rest(job)
