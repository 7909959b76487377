"""The search finds what it searches for, in every form and however it is packed."""

from __future__ import annotations

import base64
import io
import zipfile
import zlib
from urllib.parse import quote

import pytest

from tests.secrets.forms import drawn, search

SECRET = drawn("planted")


@pytest.mark.parametrize(
    "lying",
    [
        f"a {SECRET} in a sentence".encode(),
        SECRET.encode().hex().encode(),
        SECRET.encode().hex().upper().encode(),
        SECRET.encode().hex()[::-1].encode(),
        quote(f"a b/{SECRET}").encode(),
        "".join(f"%{byte:02x}" for byte in SECRET.encode()).encode(),
        "".join(f"\\u{ord(c):04x}" for c in SECRET).encode(),
        SECRET.encode("utf-16-le"),
    ],
    ids=["plain", "hex", "HEX", "backwards", "quoted", "percent", "escaped", "utf-16"],
)
def test_a_secret_is_found(lying: bytes) -> None:
    assert search([("here", b"before " + lying + b" behind")], [SECRET])


@pytest.mark.parametrize("before", ["", "u", "us", "usr", "user", "user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode], ids=["base64", "base64url"])
def test_a_secret_in_the_middle_of_base64_is_found_at_every_alignment(before: str, encode: object) -> None:
    assert callable(encode)
    lying = encode(f"{before}{SECRET}!behind".encode())

    assert search([("here", b"Basic " + lying)], [SECRET])


def test_a_secret_in_a_workbook_is_found() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", f"<t>{SECRET}</t>" * 50)

    assert search([("book", packed.getvalue())], [SECRET])


ENDS_LIKE_A_LINE = "plantedQ0000000000000299Z"
"""The checksum of its stream ends in a carriage return, which a reader takes for the end of the line."""


@pytest.mark.parametrize("secret", [SECRET, ENDS_LIKE_A_LINE], ids=["drawn", "ends-like-a-line"])
def test_a_secret_in_a_compressed_stream_of_a_document_is_found(secret: str) -> None:
    document = b"%PDF-1.7\nstream\n" + zlib.compress(secret.encode() * 20) + b"\nendstream"

    assert search([("document", document)], [secret])


def test_what_is_not_there_is_not_found() -> None:
    assert search([("here", b"nothing of the kind" * 1000)], [SECRET]) == []
