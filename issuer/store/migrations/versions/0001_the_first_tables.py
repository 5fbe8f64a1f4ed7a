"""The first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "balances",
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("material", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("office", "place", "material", name=op.f("pk_balances")),
    )
    op.create_table(
        "blanks",
        sa.Column("material", sa.String(length=64), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("printer", sa.String(length=64), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("document_number", sa.String(length=64), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("material", "serial", name=op.f("pk_blanks")),
    )
    op.create_index(
        "ix_blanks_hopper",
        "blanks",
        ["printer", "material", "position"],
        unique=False,
        postgresql_where=sa.text("state = 'loaded'"),
        sqlite_where=sa.text("state = 'loaded'"),
    )
    op.create_index(
        "uq_blanks_promised",
        "blanks",
        ["printer"],
        unique=True,
        postgresql_where=sa.text("state = 'reserved'"),
        sqlite_where=sa.text("state = 'reserved'"),
    )
    op.create_table(
        "devices",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("pause_reason", sa.JSON(), nullable=True),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("lease_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_devices")),
    )
    op.create_table(
        "events",
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("office", "seq", name=op.f("pk_events")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("ticket", sa.String(length=64), nullable=False),
        sa.Column("document_type", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("released", sa.Boolean(), nullable=False),
        sa.Column("lane", sa.String(length=64), nullable=True),
        sa.Column("document_number", sa.String(length=64), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("reprint_reason", sa.Text(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_number", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("office", "request_id", name=op.f("uq_jobs_office_request_id")),
    )
    op.create_index(
        "ix_jobs_leased",
        "jobs",
        ["lease_until"],
        unique=False,
        postgresql_where=sa.text("lease_owner IS NOT NULL"),
        sqlite_where=sa.text("lease_owner IS NOT NULL"),
    )
    op.create_index(
        "ix_jobs_under_way",
        "jobs",
        ["lane"],
        unique=False,
        postgresql_where=sa.text(
            "state IN ('reserved', 'sealing', 'sealed', 'printing', 'printed', 'laminating', "
            "'to_inspect', 'inspected', 'undetermined')"
        ),
        sqlite_where=sa.text(
            "state IN ('reserved', 'sealing', 'sealed', 'printing', 'printed', 'laminating', "
            "'to_inspect', 'inspected', 'undetermined')"
        ),
    )
    op.create_index(
        "ix_jobs_office_state_updated_at", "jobs", ["office", "state", "updated_at"], unique=False
    )
    op.create_index(
        "ix_jobs_ready",
        "jobs",
        ["office", "document_type", sa.literal_column("priority DESC"), "created_at"],
        unique=False,
        postgresql_where=sa.text("state = 'admitted' AND released"),
        sqlite_where=sa.text("state = 'admitted' AND released"),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "movements",
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("material", sa.String(length=64), nullable=False),
        sa.Column("lot", sa.String(length=64), nullable=True),
        sa.Column("serial", sa.String(length=64), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=True),
        sa.Column("document_number", sa.String(length=64), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("office", "seq", name=op.f("pk_movements")),
    )
    op.create_index("ix_movements_document_number", "movements", ["document_number"], unique=False)
    op.create_index(
        "ix_movements_material_serial", "movements", ["material", "serial"], unique=False
    )
    op.create_table(
        "number_blocks",
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("next_value", sa.BigInteger(), nullable=False),
        sa.Column("end_value", sa.BigInteger(), nullable=False),
        sa.Column("leased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("office", "kind", name=op.f("pk_number_blocks")),
    )
    op.create_table(
        "number_counters",
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("next_value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_number_counters")),
    )
    op.create_table(
        "office_sequences",
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("next_event", sa.BigInteger(), nullable=False),
        sa.Column("next_movement", sa.BigInteger(), nullable=False),
        sa.Column("next_ticket", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("office", name=op.f("pk_office_sequences")),
    )
    op.create_table(
        "rolls",
        sa.Column("material", sa.String(length=64), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("printer", sa.String(length=64), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("material", "serial", name=op.f("pk_rolls")),
    )
    op.create_table(
        "status_lists",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("next_counter", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_lists")),
    )
    op.create_table(
        "users",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_users")),
    )
    op.create_table(
        "applications",
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("admission", sa.JSON(), nullable=True),
        sa.Column("portrait", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_applications_job_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_applications")),
    )
    op.create_table(
        "deliveries",
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("document_number", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("receiver_kind", sa.String(length=64), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=True),
        sa.Column("earlier", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_deliveries_job_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_deliveries")),
    )
    op.create_table(
        "documents",
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=True),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("blank_material", sa.String(length=64), nullable=True),
        sa.Column("blank_serial", sa.String(length=64), nullable=True),
        sa.Column("printer", sa.String(length=64), nullable=True),
        sa.Column("status_list", sa.String(length=64), nullable=False),
        sa.Column("status_index", sa.Integer(), nullable=False),
        sa.Column("claims", sa.LargeBinary(), nullable=True),
        sa.Column("qr_text", sa.Text(), nullable=True),
        sa.Column("kid", sa.LargeBinary(), nullable=True),
        sa.Column("hsm", sa.String(length=64), nullable=True),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("file", sa.LargeBinary(), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_documents_job_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_documents")),
        sa.UniqueConstraint(
            "status_list", "status_index", name=op.f("uq_documents_status_list_status_index")
        ),
    )
    op.create_index("ix_documents_job_id", "documents", ["job_id"], unique=False)
    op.create_index("ix_documents_person_id_type", "documents", ["person_id", "type"], unique=False)
    op.create_index(
        "uq_documents_blank",
        "documents",
        ["blank_material", "blank_serial"],
        unique=True,
        postgresql_where=sa.text("state <> 'void'"),
        sqlite_where=sa.text("state <> 'void'"),
    )
    op.create_table(
        "inspections",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("document_number", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=64), nullable=False),
        sa.Column("expected_serial", sa.String(length=64), nullable=True),
        sa.Column("scanned_serial", sa.String(length=64), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_inspections_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspections")),
    )
    op.create_index("ix_inspections_job_id", "inspections", ["job_id"], unique=False)
    op.create_table(
        "journal",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("document_number", sa.String(length=64), nullable=False),
        sa.Column("act", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("lease_number", sa.Integer(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("intended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("reason_es", sa.Text(), nullable=True),
        sa.Column("reason_en", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_journal_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal")),
    )
    op.create_index("ix_journal_job_id", "journal", ["job_id", "id"], unique=False)
    op.create_index(
        "uq_journal_printed_once",
        "journal",
        ["document_number", "act"],
        unique=True,
        postgresql_where=sa.text("outcome = 'printed'"),
        sqlite_where=sa.text("outcome = 'printed'"),
    )
    op.create_table(
        "payments_used",
        sa.Column("slip", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_payments_used_job_id")),
        sa.PrimaryKeyConstraint("slip", name=op.f("pk_payments_used")),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_name", sa.String(length=64), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_name"], ["users.name"], name=op.f("fk_sessions_user_name")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    op.create_table(
        "status_entries",
        sa.Column("list_id", sa.String(length=64), nullable=False),
        sa.Column("idx", sa.Integer(), nullable=False),
        sa.Column("office", sa.String(length=64), nullable=False),
        sa.Column("document_number", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_version", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["list_id"], ["status_lists.id"], name=op.f("fk_status_entries_list_id")
        ),
        sa.PrimaryKeyConstraint("list_id", "idx", name=op.f("pk_status_entries")),
    )


def downgrade() -> None:
    op.drop_table("status_entries")
    op.drop_table("sessions")
    op.drop_table("payments_used")
    op.drop_index(
        "uq_journal_printed_once",
        table_name="journal",
        postgresql_where=sa.text("outcome = 'printed'"),
        sqlite_where=sa.text("outcome = 'printed'"),
    )
    op.drop_index("ix_journal_job_id", table_name="journal")
    op.drop_table("journal")
    op.drop_index("ix_inspections_job_id", table_name="inspections")
    op.drop_table("inspections")
    op.drop_index(
        "uq_documents_blank",
        table_name="documents",
        postgresql_where=sa.text("state <> 'void'"),
        sqlite_where=sa.text("state <> 'void'"),
    )
    op.drop_index("ix_documents_person_id_type", table_name="documents")
    op.drop_index("ix_documents_job_id", table_name="documents")
    op.drop_table("documents")
    op.drop_table("deliveries")
    op.drop_table("applications")
    op.drop_table("users")
    op.drop_table("status_lists")
    op.drop_table("rolls")
    op.drop_table("office_sequences")
    op.drop_table("number_counters")
    op.drop_table("number_blocks")
    op.drop_index("ix_movements_material_serial", table_name="movements")
    op.drop_index("ix_movements_document_number", table_name="movements")
    op.drop_table("movements")
    op.drop_table("meta")
    op.drop_index(
        "ix_jobs_ready",
        table_name="jobs",
        postgresql_where=sa.text("state = 'admitted' AND released"),
        sqlite_where=sa.text("state = 'admitted' AND released"),
    )
    op.drop_index(
        "ix_jobs_under_way",
        table_name="jobs",
        postgresql_where=sa.text(
            "state IN ('reserved', 'sealing', 'sealed', 'printing', 'printed', 'laminating', "
            "'to_inspect', 'inspected', 'undetermined')"
        ),
        sqlite_where=sa.text(
            "state IN ('reserved', 'sealing', 'sealed', 'printing', 'printed', 'laminating', "
            "'to_inspect', 'inspected', 'undetermined')"
        ),
    )
    op.drop_index("ix_jobs_office_state_updated_at", table_name="jobs")
    op.drop_index(
        "ix_jobs_leased",
        table_name="jobs",
        postgresql_where=sa.text("lease_owner IS NOT NULL"),
        sqlite_where=sa.text("lease_owner IS NOT NULL"),
    )
    op.drop_table("jobs")
    op.drop_table("events")
    op.drop_table("devices")
    op.drop_index(
        "uq_blanks_promised",
        table_name="blanks",
        postgresql_where=sa.text("state = 'reserved'"),
        sqlite_where=sa.text("state = 'reserved'"),
    )
    op.drop_index(
        "ix_blanks_hopper",
        table_name="blanks",
        postgresql_where=sa.text("state = 'loaded'"),
        sqlite_where=sa.text("state = 'loaded'"),
    )
    op.drop_table("blanks")
    op.drop_table("balances")
