"""What a paper printer's own record proves about one job; pure.

The rules are those of the facts ("Printed at most once"): completed is printed; over before a form
was touched, with the printer's counters where they were and no restart in between, is not printed;
everything else is for a person to decide. No impressions alone prove nothing: printers count a
sheet when it leaves, so a form that jammed with ink on it counts none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from printers.codecs.ipp import Group, JobState
from printers.ports import DeviceError, Outcome, PrintResult, Snapshot

# printer-up-time counts whole seconds, so the start computed from it wavers by one.
BOOT_TOLERANCE_S = 2
# Reasons (RFC 8011 section 5.3.8) that end a job before a page of a PDF can be drawn: its index is
# at the end of the file.
_BEFORE_PAGES = frozenset(
    {
        *("submission-interrupted", "document-format-error", "unsupported-document-format"),
        *("compression-error", "unsupported-compression", "document-password-error"),
    }
)
# The printer's own counters of work done; "last_job" only says that something was accepted.
WORK = ("impressions", "sheets")


class Why(NamedTuple):
    """A reason for staff."""

    es: str
    en: str


NOTHING = Why("", "")
LINE_LOST = Why(
    "Se cortó la comunicación con la impresora.", "The line to the printer was interrupted."
)
UNREACHABLE = Why(
    "La impresora no responde: revise que esté encendida y conectada, y mire la bandeja de salida.",
    "The printer does not answer: check power and network, and look at the output tray.",
)
TWICE = Why(
    "La impresora tiene dos trabajos con este nombre: revise la bandeja de salida.",
    "The printer lists two jobs of this name: look at the output tray.",
)
_UNLISTED = Why(
    "La impresora no recibió el trabajo; nada cambió en ella.",
    "The printer did not get the job; nothing changed in it.",
)
_UNLISTED_WORKED = Why(
    "La impresora ya no conoce el trabajo y trabajó o se reinició: revise la bandeja de salida.",
    "The printer no longer knows the job and has worked or restarted: look at the output tray.",
)
_STILL_WAITING = Why(
    "La impresora no terminó el trabajo ni aceptó anularlo: anúlelo en su panel y revise.",
    "The printer neither finished nor cancelled the job: cancel it at its panel and look.",
)
_ENDED_EMPTY = Why(
    "La impresora terminó el trabajo sin imprimir nada.",
    "The printer ended the job without printing anything.",
)
_ENDED_DOUBTFUL = Why(
    "El trabajo se interrumpió: busque el formulario y no lo reutilice.",
    "The job was interrupted: find the form and do not use it again.",
)
_JAMMED = Why(
    "Hubo un atasco durante el trabajo: retire el formulario y entréguelo como dañado.",
    "There was a jam during the job: take the form out and hand it in as spoiled.",
)
_PARTIAL = Why(
    "La impresora terminó con errores: revise la hoja por ambos lados.",
    "The printer finished with errors: look at both sides of the sheet.",
)


@dataclass(frozen=True, slots=True)
class JobView:
    """One of the printer's jobs as it reports it.

    ``impressions`` is -1 if it does not count; ``begun`` is False only if the printer says that
    it never began to process the job.
    """

    job_id: int
    name: str
    user: str
    state: JobState
    reasons: tuple[str, ...]
    impressions: int
    expected: int
    begun: bool

    @classmethod
    def of(cls, group: Group) -> JobView:
        """From a job group of an answer. Raises DeviceError for a state that does not exist."""
        state = group.integer("job-state")
        if state is None or not JobState.PENDING <= state <= JobState.COMPLETED:
            raise DeviceError(f"a job in the unknown state {state}; update the printer's firmware")
        done = group.integer("job-impressions-completed")
        started = group.get("time-at-processing")
        return cls(
            job_id=group.integer("job-id") or 0,
            name=group.text("job-name"),
            user=group.text("job-originating-user-name"),
            state=JobState(state),
            reasons=group.texts("job-state-reasons"),
            impressions=-1 if done is None else done,
            expected=group.integer("job-impressions") or 0,
            begun=started is None or started.first is not None,
        )

    @property
    def empty(self) -> bool:
        """True if the job is over and the printer counted nothing for it."""
        return self.state in {JobState.CANCELED, JobState.ABORTED} and self.impressions == 0

    @property
    def blank(self) -> bool:
        """True if the job is over and cannot have touched a form."""
        return self.empty and (not self.begun or bool(_BEFORE_PAGES & set(self.reasons)))

    def settled(self, before: Snapshot) -> bool:
        """True if it is an earlier attempt, which the caller was told is not printed.

        It was listed already when ``before`` was journalled; UNDETERMINED is never tried again.
        """
        return self.empty and self.job_id <= before.counters.get("last_job", 0)


@dataclass(frozen=True, slots=True)
class Course:
    """How a job went: its last view; whether a jam was seen; whether the driver saw all of it."""

    view: JobView
    jammed: bool
    witnessed: bool


def decide_listed(course: Course, before: Snapshot, after: Snapshot, note: Why) -> PrintResult:
    """A job that the printer lists. ``note`` is the reason given if it did not print."""
    view = course.view
    if not view.state.terminal:
        return undetermined(after, _STILL_WAITING, "unknown")
    if course.jammed or (after.position == "inside" and before.position != "inside"):
        # A printer that clears a jam lays the page again on the next form, so even "completed"
        # may stand for two forms.
        return undetermined(after, _JAMMED, "inside" if after.position == "inside" else "unknown")
    if view.state is JobState.COMPLETED:
        return _completed(view, after)
    nothing = view.blank or (course.witnessed and (view.empty or _has_work(before, after)))
    if nothing and _idle_since(before, after):
        return PrintResult(
            Outcome.NOT_PRINTED, after, *(note if note.en else _ENDED_EMPTY), "hopper"
        )
    return undetermined(after, _ENDED_DOUBTFUL, "unknown", note)


def decide_unlisted(
    before: Snapshot, after: Snapshot, note: Why, *, refused: bool = False
) -> PrintResult:
    """The printer lists no job of that name: nothing happened only if nothing changed.

    ``refused``: it answered our request with an error, so it made no job (RFC 8011 section 4.2.1).
    """
    same_jobs = before.counters.get("last_job") == after.counters.get("last_job")
    # Without work counters, only a job list that still shows earlier jobs proves anything: a
    # printer that keeps no history shows an empty one after printing too.
    witness = refused or _has_work(before, after) or after.counters.get("last_job", 0) > 0
    if same_jobs and witness and _idle_since(before, after):
        return PrintResult(Outcome.NOT_PRINTED, after, *(note if note.en else _UNLISTED), "hopper")
    return undetermined(after, _UNLISTED_WORKED, "unknown", note)


def undetermined(
    after: Snapshot | None, why: Why, blank_at: str, note: Why = NOTHING
) -> PrintResult:
    """A person looks; ``note`` says what went wrong before ``why``."""
    es, en = (" ".join(filter(None, pair)) for pair in zip(note, why, strict=True))
    return PrintResult(Outcome.UNDETERMINED, after, es, en, blank_at)


def same_boot(before: str, after: str) -> bool:
    """True if both marks (seconds since 1970, or "") stand for one start of the printer."""
    if not before or not after:
        return before == after
    return abs(int(before) - int(after)) <= BOOT_TOLERANCE_S


def _completed(view: JobView, after: Snapshot) -> PrintResult:
    partial = 0 < view.impressions < view.expected
    if partial or "job-completed-with-errors" in view.reasons:
        return undetermined(after, _PARTIAL, "tray")
    return PrintResult(Outcome.PRINTED, after)


def _has_work(before: Snapshot, after: Snapshot) -> bool:
    return any(name in before.counters and name in after.counters for name in WORK)


def _idle_since(before: Snapshot, after: Snapshot) -> bool:
    unchanged = all(before.counters.get(n) == after.counters.get(n) for n in WORK)
    return unchanged and same_boot(before.boot, after.boot)
