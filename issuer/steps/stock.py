"""What each step moves in the stock: blanks, prints of rolls and pouches, in its transaction."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, update

from issuer.custody import entries
from issuer.custody.entries import Act, Piece
from issuer.custody.ledger import Place, PlaceKind, hopper, printed
from issuer.domain import Job
from issuer.profile import DocumentType
from issuer.services import Services
from issuer.store import custody, documents
from issuer.store.documents import Blank, Document
from issuer.store.schema import rolls
from printers.ports import Snapshot, Supply

SERVICE = "service"


def act_of(job: Job, at: Services, actor: str = SERVICE) -> Act:
    """Who moves what for which document."""
    return Act(job.office, actor, at.clock.now(), job.id, job.document_number)


def blank_of(conn: Connection, document: Document) -> Piece | None:
    """The document's blank as a piece of its lot; None for a file."""
    if document.blank_material is None or document.blank_serial is None:
        return None
    lot = documents.lot_of(conn, document.blank_material, document.blank_serial)
    return Piece(document.blank_material, document.blank_serial, 1, lot)


def print_done(
    conn: Connection,
    at: Services,
    job: Job,
    document: Document,
    kind: DocumentType,
    device: str,
    before: Snapshot,
    after: Snapshot | None,
) -> None:
    """A card came out: its blank awaits inspection, and the rolls are shorter."""
    used = used_rolls(at, kind, before, after, certain=True)
    blank = blank_of(conn, document)
    custody.post(conn, entries.print_card(act_of(job, at), device, blank, used))
    _shorten(conn, device, used)


def print_unknown(
    conn: Connection,
    at: Services,
    job: Job,
    document: Document,
    kind: DocumentType,
    device: str,
    before: Snapshot,
    after: Snapshot | None,
    reason: str,
) -> None:
    """Nobody knows: the blank is under inquiry, and of the rolls only what the machine says."""
    act = act_of(job, at)
    used = used_rolls(at, kind, before, after, certain=False)
    blank = blank_of(conn, document)
    moves = entries.print_card(act, device, None, used)
    if blank is not None:
        moves += entries.set_aside(act, blank, reason, hopper(device))
    custody.post(conn, moves)
    _shorten(conn, device, used)


def pouch_done(conn: Connection, at: Services, job: Job, actor: str = SERVICE) -> None:
    """A pouch went through the plastifier."""
    custody.post(conn, entries.laminate(act_of(job, at, actor), _pouches(at, job)))


def _pouches(at: Services, job: Job) -> list[Piece]:
    kind = at.profile.document(job.document_type)
    return [
        Piece(line.material, None, line.quantity)
        for line in kind.bill
        if at.profile.material(line.material).tracking == "count"
    ]


def used_rolls(
    at: Services,
    kind: DocumentType,
    before: Snapshot,
    after: Snapshot | None,
    *,
    certain: bool,
) -> list[Piece]:
    """Prints of rolls that a job used: what the machine's own tags say, where it has them; else
    the bill of material, but only for a print that is ``certain``."""
    pieces = []
    for line in kind.bill:
        material = at.profile.material(line.material)
        if material.tracking != "roll":
            continue
        was = _supply(before, material.supply)
        now = _supply(after, material.supply) if after else None
        if was and now and was.serial == now.serial:
            quantity = was.remaining - now.remaining
        else:
            quantity = line.quantity if certain else 0
        if quantity > 0:
            pieces.append(Piece(line.material, None, quantity, was.serial if was else None))
    return pieces


def _supply(snapshot: Snapshot, name: str | None) -> Supply | None:
    return next((s for s in snapshot.supplies if s.material == name), None)


def _shorten(conn: Connection, device: str, used: Iterable[Piece]) -> None:
    for piece in used:
        conn.execute(
            update(rolls)
            .where(
                rolls.c.material == piece.material,
                rolls.c.serial == piece.lot,
                rolls.c.printer == device,
            )
            .values(remaining=rolls.c.remaining - piece.quantity)
        )


def issue_good(conn: Connection, at: Services, job: Job, document: Document) -> None:
    """Inspected and good."""
    blank = blank_of(conn, document)
    if blank is not None:
        custody.post(conn, entries.settle(act_of(job, at), blank))


def spoil(
    conn: Connection, at: Services, job: Job, document: Document, reason: str, actor: str
) -> None:
    """A blank is spoiled, wherever the books have it; it waits for destruction by act."""
    blank = blank_of(conn, document)
    if blank is None or blank.serial is None:
        return
    source = Place.parse(documents.place_of(conn, blank.material, blank.serial))
    custody.post(conn, entries.spoil(act_of(job, at, actor), blank, reason, source))


def under_inquiry(conn: Connection, at: Services, job: Job, document: Document, actor: str) -> None:
    """A person decides on a print that the machine could not be asked about: the books still have
    its blank in the hopper, and every way out of doubt begins in quarantine."""
    blank = blank_of(conn, document)
    if blank is None or blank.serial is None:
        return
    source = Place.parse(documents.place_of(conn, blank.material, blank.serial))
    if source.kind is not PlaceKind.QUARANTINE:
        act = act_of(job, at, actor)
        custody.post(conn, entries.set_aside(act, blank, "undetermined", source))


def spoil_in_hopper(
    conn: Connection, at: Services, job: Job, device: str, blank: Blank, reason: str, actor: str
) -> None:
    """A blank that the books have in a hopper and a person has in the hand, inked."""
    piece = Piece(blank.material, blank.serial, 1, blank.lot)
    custody.post(conn, entries.spoil(act_of(job, at, actor), piece, reason, hopper(device)))


def found_printed(conn: Connection, at: Services, job: Job, document: Document, actor: str) -> None:
    """A person found the card of an undetermined print: out of quarantine, to be inspected."""
    blank = blank_of(conn, document)
    if blank is not None:
        target = printed(job.office)
        custody.post(conn, entries.clear(act_of(job, at, actor), blank, target, "found_printed"))


def found_in_hopper(
    conn: Connection, at: Services, job: Job, document: Document, device: str, actor: str
) -> None:
    """A person saw the blank untouched on top of the hopper: it is the next one again."""
    blank = blank_of(conn, document)
    if blank is None or blank.serial is None:
        return
    act = act_of(job, at, actor)
    custody.post(conn, entries.clear(act, blank, hopper(device), "found_in_hopper"))
    documents.put_on_top(conn, device, blank.material, blank.serial)
