"""A whole office on one machine: SoftHSM stores, simulated machines, a day of requests.

The demonstration and ``serve`` run on it. Only the hardware is simulated, at the bytes of its
wires; daemon, store, HSM pool and verifier are the real ones.
"""
