"""The long fuzz on request."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    skip = pytest.mark.skip(reason="the whole fuzz runs with --long")
    for item in items:
        if "unit/verifier" in item.nodeid and item.get_closest_marker("long"):
            item.add_marker(skip)
