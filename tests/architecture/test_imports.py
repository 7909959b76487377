"""Who may import whom, held by import-linter; and what it cannot say, held here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.house import PACKAGES, ROOT, imported, modules

NOT_A_LAYER = {"__init__", "__main__", "adapters", "simulator"}
LINT = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"

BREACHES = {
    "Roof, rooms and ground": ("batches/breach.py", "import reports"),
    "The domain decides": ("migrate/domain/breach.py", "import socket"),
    "WebSockets are opened": ("batches/breach.py", "import websockets"),
    "The OCPP schemas": ("vendor_profiles/breach.py", "import ocpp"),
    "SQL is spoken": ("migrate/cli/breach.py", "import sqlalchemy"),
    "Workbooks and data frames": ("migrate/cli/breach.py", "import pandas"),
    "Durable workflows": ("batches/breach.py", "import dbos"),
    "TLS handshakes by hand": ("migrate/cli/breach.py", "import OpenSSL"),
    "Cryptography is the business": ("migrate/cli/breach.py", "import cryptography"),
    "HTTP is spoken": ("migrate/adapters/ocpp/breach.py", "import aiohttp"),
    "FTP is spoken": ("migrate/adapters/channels/breach.py", "import aioftp"),
    "SSH is a channel": ("migrate/adapters/channels/breach.py", "import paramiko"),
}
"""One forbidden import for each contract: the beginning of its name, where, and what."""


def lint(folder: Path) -> tuple[int, str]:
    environment = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "400", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_every_import_contract_is_kept() -> None:
    code, said = lint(ROOT)

    assert code == 0, said
    assert "0 broken" in said


def test_each_contract_breaks_when_a_module_crosses_its_line(tmp_path: Path) -> None:
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for path, line in BREACHES.values():
        with (tmp_path / path).open("a") as breach:
            breach.write(f"{line}\n")

    code, said = lint(tmp_path)

    verdicts = [line for line in said.splitlines() if line.rstrip().endswith("BROKEN") or " BROKEN (" in line]
    assert code == 1
    for contract in BREACHES:
        assert any(contract in verdict for verdict in verdicts), f"{contract!r} was not noticed\n{said}"


def test_each_contract_of_the_project_is_tried_with_a_breach() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

    untried = [c["name"] for c in contracts if not any(c["name"].startswith(begin) for begin in BREACHES)]

    assert not untried


def test_every_part_of_migrate_has_its_place_in_the_layers() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = " ".join(contracts[0]["layers"])
    parts = {path.stem for path in (ROOT / "migrate").iterdir() if path.is_dir() or path.suffix == ".py"}

    homeless = {part for part in parts - NOT_A_LAYER - {"__pycache__", "py"} if f"migrate.{part}" not in layers}

    assert not homeless


def test_the_domain_imports_the_standard_library_and_itself_only() -> None:
    domain = [m for m in modules() if m.path.startswith("migrate/domain/")]

    foreign = [
        f"{m.path}:{line} imports {name}"
        for m in domain
        for line, name in imported(m)
        if not name.startswith("migrate.domain") and name.partition(".")[0] not in sys.stdlib_module_names
    ]

    assert domain
    assert not foreign


def test_the_domain_opens_no_address() -> None:
    domain = [m for m in modules() if m.path.startswith("migrate/domain/")]

    reading = [f"{m.path}:{line}" for m in domain for line, name in imported(m) if name.startswith("urllib.request")]

    assert not reading


@pytest.mark.parametrize("package", ["migrate/domain", "batches", "reports", "vendor_profiles"])
def test_pure_rooms_read_no_clock_of_their_own(package: str) -> None:
    clocks = ("datetime.now(", "datetime.utcnow(", "date.today(", "time.time(", "time.monotonic(")

    read = [
        f"{m.path}: {clock}"
        for m in modules()
        if m.path.startswith(f"{package}/")
        for clock in clocks
        if clock in m.text
    ]

    assert not read
