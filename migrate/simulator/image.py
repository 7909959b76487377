"""Firmware images as simulated stations read them: a head that says what is in it, and ballast.

A format of the simulator's own: `SIMFW1`, one line of JSON, then bytes whose
number and checksum the head states, so that a station notices a file that was
cut short or changed on its way.
"""

from __future__ import annotations

import base64
import binascii
import json
import random
import zlib
from dataclasses import asdict, dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

MAGIC = b"SIMFW1\n"


class BadImage(Exception):
    """No image that a station takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a file does to a station that installs it."""

    vendor: str
    version: str
    needs: tuple[str, ...] = ()  # the versions it installs over; none named: any
    backend: str = ""  # the image carries this address
    factory: str = ""  # it puts back the maker's address, which is used from the next Hard restart on
    brings_keys: bool = False  # the keys of its backend are there from now on
    bricks: bool = False  # the station never comes back

    def over(self, vendor: str, current: str) -> Image:
        """Itself, where it may be installed; BadImage where a station of this kind refuses it."""
        if vendor.casefold() != self.vendor.casefold():
            raise BadImage(f"for {self.vendor}")
        if self.needs and current not in self.needs:
            raise BadImage(f"needs {' or '.join(self.needs)}")
        return self


def made(image: Image, size: int = 4096, seed: int = 0) -> bytes:
    """The file of an image, of about this size."""
    ballast = random.Random(f"{seed}/{image.version}").randbytes(max(size - 400, 16))
    head = asdict(image) | {"size": len(ballast), "crc": zlib.crc32(ballast)}
    return MAGIC + json.dumps(head).encode() + b"\n" + ballast


def read(data: bytes) -> Image:
    """The image in a file; BadImage for anything else."""
    head, _, ballast = data.removeprefix(MAGIC).partition(b"\n")
    try:
        facts: dict[str, Any] = json.loads(head)
        size, crc = facts.pop("size"), facts.pop("crc")
        image = Image(**(facts | {"needs": tuple(facts["needs"])}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadImage("no image") from error
    if not data.startswith(MAGIC) or len(ballast) != size or zlib.crc32(ballast) != crc:
        raise BadImage("damaged")
    return image


def is_signed(data: bytes, certificate: str, signature: str) -> bool:
    """Whether the signature is that of this certificate's key over these bytes (SHA-256)."""
    try:
        key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
        proof = base64.b64decode(signature, validate=True)
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(proof, data, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(proof, data, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
