"""Every form in which a secret may lie somewhere, and a search for all of them at once.

Plain, in hex, base64 at each of its three alignments, percent-encoded, as JSON
escapes, backwards; and inside of archives and compressed streams, which a
search for bytes would pass over.
"""

from __future__ import annotations

import base64
import io
import json
import re
import secrets
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)


def drawn(name: str) -> str:
    """A secret that nobody else has: letters and digits, so that it can stand in a path."""
    return f"{name}Q{secrets.token_hex(8)}Z"


@dataclass(frozen=True, slots=True)
class Found:
    """A secret where it must not be."""

    where: str
    secret: str
    form: str


def forms(secret: str) -> Mapping[str, bytes]:
    raw = secret.encode()
    spelt = {
        "plain": raw,
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "hex backwards": raw.hex()[::-1].encode(),
        "plain backwards": raw[::-1],
        "percent": "".join(f"%{byte:02X}" for byte in raw).encode(),
        "percent, lower": "".join(f"%{byte:02x}" for byte in raw).encode(),
        "quoted": quote(secret, safe="").encode(),
        "JSON": json.dumps(secret)[1:-1].encode(),
        "JSON, escaped": "".join(f"\\u{ord(c):04x}" for c in secret).encode(),
        "UTF-16": secret.encode("utf-16-le"),
    }
    for offset in range(3):
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            spelt[f"{name} at {offset}"] = _stable(encode, raw, offset)
    return spelt


def _stable(encode: object, raw: bytes, offset: int) -> bytes:
    """The letters of a base64 text that depend on the secret alone, whatever stands before and behind it."""
    assert callable(encode)
    whole = bytes(encode(b"\0" * offset + raw + b"\0" * 3))
    first = (offset * 8 + 5) // 6
    last = (offset + len(raw)) * 8 // 6
    return whole[first:last]


def layers(blob: bytes, depth: int = 3) -> Iterator[bytes]:
    """A blob as it is, and what is packed in it: members of an archive, compressed streams of a PDF."""
    yield blob
    if depth and blob[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(blob)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from layers(archive.read(name), depth - 1)
    elif depth and blob[:5] == b"%PDF-":
        for stream in _STREAM.findall(blob):
            try:
                yield zlib.decompressobj().decompress(stream)
            except zlib.error:
                continue


def search(places: Iterable[tuple[str, bytes]], planted: Iterable[str]) -> list[Found]:
    wanted = [(secret, form, spelt) for secret in planted for form, spelt in forms(secret).items()]
    return [
        Found(where, secret, form)
        for where, blob in places
        for layer in layers(blob)
        for secret, form, spelt in wanted
        if spelt in layer
    ]
