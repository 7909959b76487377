"""Before a wave the secrets that it needs are looked for: those of all stations once, those of each at its own place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from batches.prospects import Prospect
from migrate.adapters.vault import FileVault
from migrate.domain.address import parse_backend
from migrate.domain.profile import Method, Write
from migrate.domain.station import Station
from migrate.wiring.shapes import shapes_of
from tests.doubles.scene import ACME, NEW, OLD

PROFILE = replace(ACME, writes=(Write(key="A", secret="shared"), Write(key="B", secret="own"), *ACME.writes))


def a_prospect(identity: str) -> Prospect:
    return Prospect(
        station=Station(identity=identity, vendor="Acme", model="AC22"),
        method=Method.CHANGE_CONFIGURATION,
        profile=PROFILE,
        source=parse_backend(OLD),
        target=parse_backend(NEW),
    )


def test_a_station_without_a_file_in_the_folder_of_a_secret_is_the_one_that_lacks_it(tmp_path: Path) -> None:
    vault = FileVault(tmp_path)
    vault.put("shared", "the same for all")
    (tmp_path / "own").mkdir(mode=0o700)
    vault.put("own/AC1", "of AC1 alone")

    shapes = shapes_of(vault, [a_prospect("AC1"), a_prospect("AC2")])

    assert {name: shape.octets if shape else None for name, shape in shapes.items()} == {
        "shared": 16,
        "own/AC1": 12,
        "own/AC2": None,
    }
