"""The page over the real store and the real verifier; and colours that everybody can read."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from issuer.store import outbox
from issuer.store.engine import Store
from issuer.web import words
from issuer.web.sources import Head, from_store
from tests.vectors import house
from verifier.errors import VerificationError

VECTORS = Path(house.__file__).parent
CSS = (Path(words.__file__).parent / "static" / "base.css").read_text(encoding="utf-8")


async def test_the_head_is_the_office_s_last_event_and_the_store_s_epoch(store: Store) -> None:
    sources = from_store(store, "LP-01", house.trust, lambda: house.AT)
    start = await sources.head()
    assert start.seq == 0
    for office in ("LP-01", "LP-01", "SC-01"):
        await store.run(outbox.emit, office, "job.received", "job-1", {})
    assert await sources.head() == Head(start.epoch, 2)
    await store.run(
        lambda conn: conn.execute(text("INSERT INTO meta (key, value) VALUES ('epoch', '7')"))
    )
    await store.run(outbox.emit, "LP-01", "job.received", "job-1", {})
    found = await sources.head()
    assert found == Head(7, 3)
    (last,) = await store.read(outbox.events_after, "LP-01", 2, 9)
    assert Head(last.epoch, last.seq) == found, "ids of events and of the head are of one kind"


@pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)
async def test_a_scanned_seal_names_its_document_and_a_forged_one_nothing(store: Store) -> None:
    qr = house.qr(house.claims())
    sources = from_store(store, "LP-01", house.trust, lambda: house.AT + timedelta(hours=1))
    number = house.claims().national.document_number
    assert sources.document_of(qr) == number
    assert sources.document_of(qr + "\r\n") == number, "scanners end with a line"
    for wrong in (qr[:-6] + "AAAAAA", qr[:40], "AB00000001"):
        with pytest.raises(VerificationError):
            sources.document_of(wrong)


def theme(dark: bool) -> dict[str, str]:
    """Colour names of a theme and their values."""
    light_part, _, dark_part = CSS.partition("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", dark_part if dark else light_part))
    assert len(found) >= 15
    return found


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_and_borders_stand_out(dark: bool) -> None:
    colours = theme(dark)
    text_on = [
        ("ink", "ground"), ("ink", "paper"), ("quiet", "paper"), ("quiet", "ground"),
        ("accent", "paper"), ("on-accent", "accent"), ("good", "paper"), ("good", "good-ground"),
        ("bad", "paper"), ("bad", "bad-ground"), ("warn", "paper"), ("warn", "warn-ground"),
        ("ink", "good-ground"), ("ink", "bad-ground"), ("ink", "warn-ground"),
        ("busy", "paper"), ("ink", "busy-ground"), ("quiet", "busy-ground"),
        ("quiet", "warn-ground"), ("warn", "busy-ground"), ("paper", "good"),
    ]  # fmt: skip
    for ink, ground in text_on:
        assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    for edge in ("edge", "focus", "good", "bad", "warn"):
        assert contrast(colours[edge], colours["paper"]) >= 3, edge
