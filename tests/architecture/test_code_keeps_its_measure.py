"""Measures of the code: short functions, no swallowed errors, every module with its one job."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from statistics import median

from tests.architecture.house import Module, functions, modules

LONGEST, MEDIAN = 60, 10
BROAD = ("Exception", "BaseException")
NO_ROOM_IS_CALLED = {
    "utils",
    "util",
    "helpers",
    "helper",
    "manager",
    "managers",
    "service",
    "services",
    "common",
    "misc",
}


def test_the_median_function_has_at_most_ten_lines() -> None:
    lengths = [function.lines for function in functions()]

    assert median(lengths) <= MEDIAN


def test_no_function_is_over_sixty_lines_without_a_reason_in_place() -> None:
    long = [f for f in functions() if f.lines > LONGEST]

    unexplained = [f"{f.place}: {f.lines} lines" for f in long if not f.says_why_it_is_long]

    assert not unexplained


def handlers(module: Module) -> Iterator[ast.ExceptHandler]:
    """The handlers that catch everything."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else set(BROAD)
            if caught & set(BROAD):
                yield node


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def test_outside_the_roof_nothing_catches_everything_and_keeps_it() -> None:
    rooms = [m for m in modules() if not m.is_roof]

    swallowed = [f"{m.path}:{h.lineno}" for m in rooms for h in handlers(m) if not raises_again(h)]

    assert not swallowed


def test_cancellation_is_never_swallowed() -> None:
    suppressed = [
        f"{m.path}:{node.lineno}"
        for m in modules()
        for node in ast.walk(m.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "suppress"
        and any(
            "CancelledError" in ast.dump(argument) or "BaseException" in ast.dump(argument) for argument in node.args
        )
    ]

    assert not suppressed


def test_every_module_says_its_one_job() -> None:
    silent = [m.path for m in modules() if m.text.strip() and not ast.get_docstring(m.tree)]

    assert not silent


def test_no_file_is_named_after_what_everything_could_be() -> None:
    vague = [m.path for m in modules() if NO_ROOM_IS_CALLED & set(m.path.removesuffix(".py").split("/"))]

    assert not vague


def test_no_code_imports_a_test() -> None:
    tests = [m.path for m in modules() if "from tests" in m.text or "import tests" in m.text]

    assert not tests
