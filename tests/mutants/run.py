"""Switch rules off, one at a time, and see that a test notices.

``python tests/mutants/run.py [WORD …]`` runs all mutants, or those whose rule
holds one of the words.  Each works on a copy of the tree; the tree itself is
never touched.  Exit code 1 when a mutant survives or no longer fits the code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COPIED = ("migrate", "batches", "reports", "vendor_profiles", "tests", "docs", "pyproject.toml")
TIMEOUT_S = 180

sys.path.insert(0, str(HERE))

from mutants import MUTANTS, Mutant  # noqa: E402


def main(words: list[str]) -> int:
    chosen = [m for m in MUTANTS if not words or any(word.lower() in m.rule.lower() for word in words)]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder)
        copy_to(tree)
        tests = sorted({test for mutant in chosen for test in mutant.tests})
        if run(tree, tests) != 0:
            print("The tests fail without any mutant; mend them first.")
            return 1
        outcomes = [judge(tree, mutant) for mutant in chosen]
    bad = [outcome for outcome in outcomes if outcome != "noticed"]
    print(f"{len(outcomes)} rules switched off, {len(outcomes) - len(bad)} noticed")
    return 1 if bad or not outcomes else 0


def copy_to(tree: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".hypothesis")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=ignored)
        elif source.exists():
            shutil.copy(source, tree / name)


def judge(tree: Path, mutant: Mutant) -> str:
    """``noticed`` when a test fails because of the mutant; anything else is a fault of tests or list."""
    path = tree / mutant.file
    text = path.read_text()
    began = time.monotonic()
    if text.count(mutant.old) != 1:
        outcome = f"OUT OF DATE: {text.count(mutant.old)} places hold {mutant.old!r}"
    else:
        path.write_text(text.replace(mutant.old, mutant.new))
        try:
            outcome = verdict(run(tree, mutant.tests))
        finally:
            path.write_text(text)
    print(f"{outcome:<9} {time.monotonic() - began:5.1f} s  {mutant.rule}  ({mutant.file})", flush=True)
    return outcome


def verdict(code: int | None) -> str:
    """What pytest's exit code means: 1 is a failed test, 0 a mutant nobody saw, the rest is no answer."""
    if code in (1, None):
        return "noticed"
    return "SURVIVED" if code == 0 else f"BROKEN ({code})"


def run(tree: Path, tests: tuple[str, ...] | list[str]) -> int | None:
    """The exit code of these tests in the copy; ``None`` when they hang, which is noticing too."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode not in (0, 1):
        print(done.stdout[-2000:], done.stderr[-2000:])
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
