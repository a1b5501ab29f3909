"""Thins what is sent to each operation."""

from pathlib import Path

import pytest

# Of the cases that the document's own limits suggest, so many are sent to each operation.
SUGGESTED = 8


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps those that stand evenly apart: at one end there are good bodies alone, at the other
    odd methods alone."""
    for item in items:
        if item.path.parent != Path(__file__).parent:
            continue
        cases = getattr(getattr(item, "obj", None), "hypothesis_explicit_examples", [])
        if len(cases) > SUGGESTED:
            cases[:] = [cases[len(cases) * n // SUGGESTED] for n in range(SUGGESTED)]
