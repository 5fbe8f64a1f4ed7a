"""Measurements against a peer or a raw limit in the same run; never timed tests."""
