"""Examples in docstrings are true."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

from tests.architecture.house import modules

WITH_EXAMPLES = [
    m.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for m in modules() if ">>> " in m.text
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_of_a_module_are_true(name: str) -> None:
    outcome = doctest.testmod(import_module(name))

    assert outcome.attempted
    assert not outcome.failed
