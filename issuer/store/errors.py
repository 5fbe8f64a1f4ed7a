"""What the store may raise of its own; what a function raises passes through unchanged."""

from __future__ import annotations


class StoreError(Exception):
    """The store cannot do what was asked; the message names the remedy."""


class StoreBusy(StoreError):  # noqa: N818
    """Another process held the database too long. Transient: nothing was stored, run it again."""


class StoreClosed(StoreError):  # noqa: N818
    """The store was closed (or its writer died) before the function ran; nothing was stored."""


class CommitFailed(StoreError):  # noqa: N818
    """The commit itself failed: whether it is stored is unknown until the state is read again.

    A disk that refused to flush may still hold the pages, and a lost connection may have lost
    only the answer; so a caller must read before it acts, and never simply repeat.
    """
