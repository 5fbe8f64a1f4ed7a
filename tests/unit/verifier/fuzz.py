"""How much hypothesis does here by default: no deadline, since a shared machine stalls."""

from hypothesis import settings

FUZZ = settings(deadline=None, max_examples=60)
