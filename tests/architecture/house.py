"""The house as its own tests see it: the tree of the project and its code, read and parsed, never imported."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("migrate", "vendor_profiles", "batches", "reports")
ROOF = ("migrate/cli", "migrate/wiring.py", "migrate/engine", "migrate/settings")


@dataclass(frozen=True)
class Module:
    """One file of code: where it lies in the tree, its text and what it parses to."""

    path: str
    text: str
    tree: ast.Module

    @property
    def is_roof(self) -> bool:
        return any(self.path == part or self.path.startswith(f"{part}/") for part in ROOF)


@dataclass(frozen=True)
class Function:
    module: Module
    node: ast.FunctionDef | ast.AsyncFunctionDef

    @property
    def lines(self) -> int:
        return (self.node.end_lineno or self.node.lineno) - self.node.lineno + 1

    @property
    def place(self) -> str:
        return f"{self.module.path}:{self.node.lineno} {self.node.name}"

    @property
    def says_why_it_is_long(self) -> bool:
        """Whether a comment stands between its signature and its first statement."""
        lines = self.module.text.splitlines()
        between = lines[self.node.lineno : self.node.body[0].lineno - 1]
        return any(line.lstrip().startswith("# ") for line in between)


@cache
def modules() -> tuple[Module, ...]:
    files = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    assert files
    return tuple(
        Module(
            path=file.relative_to(ROOT).as_posix(),
            text=(text := file.read_text(encoding="utf-8")),
            tree=ast.parse(text),
        )
        for file in files
    )


def functions() -> list[Function]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [Function(m, node) for m in modules() for node in ast.walk(m.tree) if isinstance(node, kinds)]


def imported(module: Module) -> Iterator[tuple[int, str]]:
    """Every absolute import of a module, wherever in it, as (line, dotted name)."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


@cache
def tracked() -> tuple[Path, ...]:
    """The files under version control, and those about to be; skips where the tree came without it."""
    if not (ROOT / ".git").exists():
        pytest.skip("this tree came without its version control")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return tuple(path for name in listed if name and (path := ROOT / name).is_file())
