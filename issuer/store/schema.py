"""The tables. Every row belongs to an office (invariant 10); personal data has its own tables.

Times are aware UTC. Quantities are integers. What is personal is marked: ``applications``,
``documents.claims/qr_text/person_id`` and ``deliveries.receiver`` hold it; events, journals and
movements never do (invariant 8).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Utc(TypeDecorator[datetime]):
    """Aware UTC in and out on both engines; SQLite has no zones, a naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times in the store are aware; give datetime with tzinfo")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Id = String(40)
Code = String(64)
# SQLite autoincrements only INTEGER keys.
BigId = BigInteger().with_variant(Integer, "sqlite")


def _table(name: str, *columns: Any, **kwargs: Any) -> Table:
    return Table(name, metadata, *columns, **kwargs)


jobs = _table(
    "jobs",
    Column("id", Id, primary_key=True),
    Column("office", Code, nullable=False),
    Column("request_id", Code, nullable=False),
    Column("ticket", Code, nullable=False),
    Column("document_type", Code, nullable=False),
    Column("kind", Code, nullable=False),
    Column("state", Code, nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("released", Boolean, nullable=False),
    Column("lane", Code),
    Column("document_number", Code),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("reasons", JSON, nullable=False),
    Column("reprint_reason", Text),
    Column("lease_owner", Code),
    Column("lease_number", Integer, nullable=False, server_default="0"),
    Column("lease_until", Utc),
    Column("created_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    UniqueConstraint("office", "request_id"),
)
# Partial index on the ready ones, with literals: a bound state misses it under a generic plan.
Index(
    "ix_jobs_ready",
    jobs.c.office,
    jobs.c.document_type,
    jobs.c.priority.desc(),
    jobs.c.created_at,
    postgresql_where=text("state = 'admitted' AND released"),
    sqlite_where=text("state = 'admitted' AND released"),
)
Index(
    "ix_jobs_leased",
    jobs.c.lease_until,
    postgresql_where=text("lease_owner IS NOT NULL"),
    sqlite_where=text("lease_owner IS NOT NULL"),
)
# Jobs that a machine has, had, or may still have: what a lane asks for again and again.
UNDER_WAY = (
    "state IN ('reserved', 'sealing', 'sealed', 'printing', 'printed', 'laminating', "
    "'to_inspect', 'inspected', 'undetermined')"
)
Index(
    "ix_jobs_under_way",
    jobs.c.lane,
    postgresql_where=text(UNDER_WAY),
    sqlite_where=text(UNDER_WAY),
)
Index("ix_jobs_office_state_updated_at", jobs.c.office, jobs.c.state, jobs.c.updated_at)

applications = _table(
    "applications",  # personal data
    Column("job_id", Id, ForeignKey("jobs.id"), primary_key=True),
    Column("office", Code, nullable=False),
    Column("data", JSON, nullable=False),
    Column("admission", JSON),
    Column("portrait", LargeBinary),
)

documents = _table(
    "documents",
    Column("number", Code, primary_key=True),
    Column("office", Code, nullable=False),
    Column("type", Code, nullable=False),
    Column("job_id", Id, ForeignKey("jobs.id")),
    Column("person_id", Code, nullable=False),  # personal data
    Column("state", Code, nullable=False),
    Column("blank_material", Code),
    Column("blank_serial", Code),
    Column("printer", Code),
    Column("status_list", Code, nullable=False),
    Column("status_index", Integer, nullable=False),
    Column("claims", LargeBinary),  # personal data; stored before the signature
    Column("qr_text", Text),  # personal data
    Column("kid", LargeBinary),
    Column("hsm", Code),
    Column("sealed_at", Utc),
    Column("valid_from", Utc),
    Column("valid_until", Utc),
    Column("file", LargeBinary),  # CertQR: the PDF
    Column("void_reason", Text),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("status_list", "status_index"),
)
# Invariant 1: one blank, one document. A void one does not count: a blank released before any
# ink reached it may serve another document, with another signature.
Index(
    "uq_documents_blank",
    documents.c.blank_material,
    documents.c.blank_serial,
    unique=True,
    postgresql_where=text("state <> 'void'"),
    sqlite_where=text("state <> 'void'"),
)
Index("ix_documents_person_id_type", documents.c.person_id, documents.c.type)
Index("ix_documents_job_id", documents.c.job_id)

blanks = _table(
    "blanks",
    Column("material", Code, primary_key=True),
    Column("serial", Code, primary_key=True),
    Column("office", Code, nullable=False),
    Column("lot", Code, nullable=False),
    Column("place", Code, nullable=False),
    Column("state", Code, nullable=False),
    Column("printer", Code),
    Column("position", BigInteger),  # the order in the hopper: lowest comes out next
    Column("document_number", Code),
    Column("updated_at", Utc, nullable=False),
)
Index(
    "ix_blanks_hopper",
    blanks.c.printer,
    blanks.c.material,
    blanks.c.position,
    postgresql_where=text("state = 'loaded'"),
    sqlite_where=text("state = 'loaded'"),
)
# A hopper promises one blank at a time, its next: two promises could come out exchanged.
Index(
    "uq_blanks_promised",
    blanks.c.printer,
    unique=True,
    postgresql_where=text("state = 'reserved'"),
    sqlite_where=text("state = 'reserved'"),
)

movements = _table(
    "movements",
    Column("office", Code, primary_key=True),
    Column("seq", BigInteger, primary_key=True),  # gap-free per office
    Column("at", Utc, nullable=False),
    Column("actor", Code, nullable=False),
    Column("cause", Code, nullable=False),
    Column("material", Code, nullable=False),
    Column("lot", Code),
    Column("serial", Code),
    Column("quantity", Integer, CheckConstraint("quantity > 0", name="positive"), nullable=False),
    Column("source", Code, nullable=False),
    Column("target", Code, nullable=False),
    Column("job_id", Id),
    Column("document_number", Code),
    Column("note", Text),
)
Index("ix_movements_material_serial", movements.c.material, movements.c.serial)
Index("ix_movements_document_number", movements.c.document_number)

balances = _table(
    "balances",
    Column("office", Code, primary_key=True),
    Column("place", Code, primary_key=True),
    Column("material", Code, primary_key=True),
    Column("quantity", BigInteger, nullable=False),
)

journal = _table(
    "journal",  # the intention before, the decision after: prints and laminations
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("office", Code, nullable=False),
    Column("job_id", Id, ForeignKey("jobs.id"), nullable=False),
    Column("document_number", Code, nullable=False),
    Column("act", Code, nullable=False),  # print, laminate
    Column("device", Code, nullable=False),
    Column("lease_number", Integer, nullable=False),
    Column("before", JSON, nullable=False),
    Column("intended_at", Utc, nullable=False),
    Column("outcome", Code),
    Column("after", JSON),
    Column("reason_es", Text),
    Column("reason_en", Text),
    Column("decided_at", Utc),
    Column("decided_by", Code),
)
Index("ix_journal_job_id", journal.c.job_id, journal.c.id)
# Invariant 1: of one document at most one print is booked as done.
Index(
    "uq_journal_printed_once",
    journal.c.document_number,
    journal.c.act,
    unique=True,
    postgresql_where=text("outcome = 'printed'"),
    sqlite_where=text("outcome = 'printed'"),
)

inspections = _table(
    "inspections",
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("office", Code, nullable=False),
    Column("job_id", Id, ForeignKey("jobs.id"), nullable=False),
    Column("document_number", Code, nullable=False),
    Column("at", Utc, nullable=False),
    Column("actor", Code, nullable=False),
    Column("verdict", Code, nullable=False),
    Column("expected_serial", Code),
    Column("scanned_serial", Code),
    Column("passed", Boolean, nullable=False),
    Column("reason", JSON),
)
Index("ix_inspections_job_id", inspections.c.job_id)

deliveries = _table(
    "deliveries",
    Column("job_id", Id, ForeignKey("jobs.id"), primary_key=True),
    Column("office", Code, nullable=False),
    Column("document_number", Code, nullable=False),
    Column("at", Utc, nullable=False),
    Column("actor", Code, nullable=False),
    Column("receiver_kind", Code, nullable=False),  # holder, collector
    Column("receiver", Text),  # personal data: the collector's name and number
    Column("earlier", Code),  # surrendered, declared_lost, none
)

status_lists = _table(
    "status_lists",
    Column("id", Code, primary_key=True),
    Column("office", Code, nullable=False),  # who opened it: the centre
    Column("size", Integer, nullable=False),
    Column("secret", LargeBinary, nullable=False),  # key of the index permutation
    Column("next_counter", BigInteger, nullable=False),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("published_at", Utc),
)

status_entries = _table(
    "status_entries",  # only what is not 0 (valid)
    Column("list_id", Code, ForeignKey("status_lists.id"), primary_key=True),
    Column("idx", Integer, primary_key=True),
    Column("office", Code, nullable=False),
    Column("document_number", Code, nullable=False),
    Column("value", Integer, nullable=False),
    Column("reason", Code, nullable=False),
    Column("at", Utc, nullable=False),
    Column("published_version", Integer),
)

number_counters = _table(
    "number_counters",  # the centre's: where the next block starts
    Column("kind", Code, primary_key=True),
    Column("next_value", BigInteger, nullable=False),
)

number_blocks = _table(
    "number_blocks",  # leased to an office
    Column("office", Code, primary_key=True),
    Column("kind", Code, primary_key=True),  # "document:L", "status:<list>"
    Column("next_value", BigInteger, nullable=False),
    Column("end_value", BigInteger, nullable=False),  # exclusive
    Column("leased_at", Utc, nullable=False),
)

office_sequences = _table(
    "office_sequences",
    Column("office", Code, primary_key=True),
    Column("next_event", BigInteger, nullable=False),
    Column("next_movement", BigInteger, nullable=False),
    Column("next_ticket", BigInteger, nullable=False),
)

events = _table(
    "events",  # the outbox
    Column("office", Code, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Column("kind", Code, nullable=False),
    Column("subject", Code, nullable=False),
    Column("data", JSON, nullable=False),
)

devices = _table(
    "devices",
    Column("name", Code, primary_key=True),
    Column("office", Code, nullable=False),
    Column("role", Code, nullable=False),  # printer, laminator
    Column("model", Code, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("pause_reason", JSON),
    Column("owner", Code),
    Column("lease_number", Integer, nullable=False, server_default="0"),
    Column("lease_until", Utc),
)

payments_used = _table(
    "payments_used",
    Column("slip", Code, primary_key=True),
    Column("office", Code, nullable=False),
    Column("job_id", Id, ForeignKey("jobs.id"), nullable=False),
    Column("at", Utc, nullable=False),
)

rolls = _table(
    "rolls",
    Column("material", Code, primary_key=True),
    Column("serial", Code, primary_key=True),
    Column("office", Code, nullable=False),
    Column("printer", Code),
    Column("capacity", Integer, nullable=False),
    Column("remaining", Integer, nullable=False),
    Column("loaded_at", Utc),
)

users = _table(
    "users",
    Column("name", Code, primary_key=True),
    Column("office", Code, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False),
)

sessions = _table(
    "sessions",
    Column("token_hash", Code, primary_key=True),
    Column("user_name", Code, ForeignKey("users.name"), nullable=False),
    Column("office", Code, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
)

meta = _table(
    "meta",  # epoch (raised by a restore), schema facts
    Column("key", Code, primary_key=True),
    Column("value", Text, nullable=False),
)
