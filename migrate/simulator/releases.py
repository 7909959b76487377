"""What makers release: firmware images in a folder, with the list that says what each is for.

Written as a person would who got the files from the makers: images of the
simulator's own format, their checksums and, where a maker signs, his
signature.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from migrate.simulator.image import Image, made

SIZE = 6_000
"""Of an image; small, so that a fleet has time to load it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One file; `over` and `below` bound the versions that it may be loaded from."""

    name: str
    image: Image
    models: tuple[str, ...] = ("*",)
    over: str = ""
    below: str = ""
    is_signed: bool = False
    size: int = SIZE


def write_releases(folder: Path, releases: Iterable[Release]) -> None:
    """Make the folder: every file, and `firmware.toml`."""
    folder.mkdir(parents=True, exist_ok=True)
    maker = _Maker()
    (folder / "firmware.toml").write_text("\n".join(_written(folder, one, maker) for one in releases), encoding="utf-8")


def _written(folder: Path, release: Release, maker: _Maker) -> str:
    data = made(release.image, release.size)
    (folder / release.name).write_bytes(data)
    bounds = {name: text for name, text in (("at_least", release.over), ("below", release.below)) if text}
    facts = {
        "file": json.dumps(release.name),
        "vendors": json.dumps([release.image.vendor]),
        "models": json.dumps(list(release.models)),
        "version": json.dumps(release.image.version),
        "sha256": json.dumps(hashlib.sha256(data).hexdigest()),
        "size_bytes": str(len(data)),
    }
    if bounds:
        facts["from"] = "{" + ", ".join(f"{name} = {json.dumps(text)}" for name, text in bounds.items()) + "}"
    if release.is_signed:
        facts |= {"signature": json.dumps(maker.signed(data)), "signing_certificate": json.dumps(maker.certificate)}
    return "[[file]]\n" + "".join(f"{name} = {value}\n" for name, value in facts.items())


class _Maker:
    """Somebody who signs his files."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulated maker")])
        begin = datetime.now(UTC) - timedelta(days=1)
        self.certificate = (
            x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=365))
            .sign(self._key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
            .decode()
        )

    def signed(self, data: bytes) -> str:
        return base64.b64encode(self._key.sign(data, ec.ECDSA(hashes.SHA256()))).decode()
