"""The case file of a job: the request as taken down and what admission decided. Personal data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, select, update

from issuer.admission import Admitted
from issuer.applications import Application
from issuer.domain import Conflict, Reason
from issuer.store.schema import applications

_APPLICATION = TypeAdapter(Application)
_ADMITTED = TypeAdapter(Admitted)


@dataclass(frozen=True, slots=True)
class CaseFile:
    """What is known of a request. ``portrait`` is the prepared one (layouts), if any."""

    application: Application
    admitted: Admitted | None
    portrait: bytes | None

    @property
    def valid_from(self) -> datetime:
        """Midnight UTC of the first day."""
        assert self.admitted is not None, "nothing is reserved before admission"
        return datetime.combine(self.admitted.valid_from, time(0), UTC)

    @property
    def valid_until(self) -> datetime | None:
        """The last second of the last day (UTC), as ``exp`` of the claims wants it."""
        assert self.admitted is not None, "nothing is reserved before admission"
        if self.admitted.valid_until is None:
            return None
        day_after = self.admitted.valid_until + timedelta(days=1)
        return datetime.combine(day_after, time(0), UTC) - timedelta(seconds=1)


def to_columns(application: Application, portrait: bytes | None) -> dict[str, Any]:
    """Columns of ``applications`` for a new job."""
    return {"data": _APPLICATION.dump_python(application, mode="json"), "portrait": portrait}


_ADMIT = (
    update(applications)
    .where(applications.c.job_id == bindparam("of_job"))
    .values(admission=bindparam("new_admission", type_=applications.c.admission.type))
)


def store_admission(conn: Connection, job_id: str, admitted: Admitted) -> None:
    """Keeps what admission decided, so that a later step uses the same rules and dates."""
    admission = _ADMITTED.dump_python(admitted, mode="json")
    conn.execute(_ADMIT, {"of_job": job_id, "new_admission": admission})


_GET = select(applications.c.data, applications.c.admission, applications.c.portrait).where(
    applications.c.job_id == bindparam("of_job")
)


def get(conn: Connection, job_id: str) -> CaseFile:
    """The case file of a job. Raises Conflict if it was erased."""
    row = conn.execute(_GET, {"of_job": job_id}).one_or_none()
    if row is None:
        raise Conflict(
            Reason("no_application", "La solicitud ya no existe.", "The request is gone.")
        )
    return CaseFile(
        _APPLICATION.validate_python(row.data),
        None if row.admission is None else _ADMITTED.validate_python(row.admission),
        row.portrait,
    )
