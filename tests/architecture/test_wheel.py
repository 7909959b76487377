"""What a user installs: one wheel with four import packages, and everything they read at run time."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from tests.architecture.house import PACKAGES, ROOT

SOURCES = (*PACKAGES, "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy with what is installed, so that neither the tree nor the index is touched."""
    tree = tmp_path_factory.mktemp("tree")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tree / "dist"), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (tree / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_puts_four_packages_on_the_path_and_nothing_else(names: set[str]) -> None:
    top = {PurePosixPath(name).parts[0] for name in names}

    (metadata,) = {name for name in top if name.endswith(".dist-info")}
    assert top - {metadata} == set(PACKAGES)
    assert metadata.startswith("fleet_migrate-")


def test_the_wheel_holds_every_file_of_the_packages(names: set[str]) -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file()]
    wanted = {file.relative_to(ROOT).as_posix() for file in files if "__pycache__" not in file.parts}

    assert wanted <= names


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("vendor_profiles/catalogue/*.yaml", id="the profiles"),
        pytest.param("migrate/simulator/behaviours/*.toml", id="the simulated vendors' behaviour"),
        pytest.param("reports/templates/*.html", id="the pages"),
        pytest.param("reports/templates/*.css", id="their looks"),
        pytest.param("migrate/adapters/journal/migrations/versions/*.py", id="the journal's migrations"),
        pytest.param("migrate/adapters/journal/migrations/env.py", id="alembic's environment"),
        pytest.param("*/py.typed", id="the word that types are inside"),
    ],
)
def test_the_wheel_carries_what_the_program_reads_at_run_time(names: set[str], pattern: str) -> None:
    assert [name for name in names if PurePosixPath(name).match(pattern)]


def test_every_package_says_that_it_is_typed(names: set[str]) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_the_wheel_brings_one_command(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (entry,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        scripts = archive.read(entry).decode()

    assert [line for line in scripts.splitlines() if " = " in line] == ["migrate = migrate.cli:main"]


def test_the_installed_program_finds_its_profiles_behaviours_and_pages(wheel: Path, tmp_path: Path) -> None:
    """Run from the wheel's own contents, with the tree out of reach."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    look = (
        "import migrate, vendor_profiles, reports.html, migrate.simulator.behaviour\n"
        "assert len(vendor_profiles.load_catalogue()) > 0\n"
        "print(migrate.__file__)\n"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{look}"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "migrate" / "__init__.py")
