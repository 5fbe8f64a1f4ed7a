"""The raw limit: one process on one SoftHSM store, signing digests in a loop.

``python -m benchmarks.hsm_raw DIR NAME``: says "ready", then answers each line "SECONDS" with the
number of signatures, the seconds they really took, and the processor's seconds.
No frames, no claims, no pool.
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

from crypto import session
from crypto.keyfile import load_pool_configs
from crypto.pin import read_pin


def main(directory: str, name: str) -> None:
    config = next(c for c in load_pool_configs(Path(directory)) if c.name == name)
    token = session.find_token(config.module, config.token_label, 1.0)
    opened = token.open(user_pin=read_pin(config.pin_source))
    ref = config.keys["LIC"]
    key = session.private_keys(opened, {ref.label: ref.point})[ref.label]
    print("ready", flush=True)
    for line in sys.stdin:
        count, began, cpu = 0, time.perf_counter(), time.process_time()
        end = began + float(line)
        while time.perf_counter() < end:
            for _ in range(20):
                session.sign_digest(key, hashlib.sha256(count.to_bytes(8, "big")).digest())
                count += 1
        print(count, time.perf_counter() - began, time.process_time() - cpu, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
