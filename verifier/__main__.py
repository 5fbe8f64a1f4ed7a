"""``python -m verifier``: the same as ``fedatario-verify``."""

import sys

from .cli import main

sys.exit(main())
