"""Links: only who was given one has it, and whatever is changed in one leaves none."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrate.adapters.files.links import Link, Links, short

KEY = b"k" * 32
LINK = Link("AC22-0417", short("apn:iot.example"), "acme-5.0.bin")
HOSTILE = [
    "AC 1/2",
    "../../etc/passwd",
    "..",
    "%2e%2e",
    "a?b#c",
    "ä;rm -rf /",
    "a\nb",
    "$(id)",
    "'\"<script>",
    "\\..\\x",
]


@pytest.mark.parametrize("identity", [LINK.identity, *HOSTILE])
def test_a_link_is_read_back_as_it_was_written_whatever_the_identity_holds(identity: str) -> None:
    link = Link(identity, LINK.group, LINK.file)

    path = Links(KEY).path(link)

    assert Links(KEY).read(path) == link
    assert path.count("/") == 4
    assert set(path) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%/")
    assert ".." not in PurePosixPath(path).parts or identity == ".."


def test_another_campaigns_key_opens_nothing() -> None:
    assert Links(b"x" * 32).read(Links(KEY).path(LINK)) is None


def changed(path: str) -> list[str]:
    group, seal, identity, file = path[1:].split("/")
    return [
        f"/{group}/{seal}/AC22-0418/{file}",
        f"/{group}/{seal}/{identity}/acme-6.0.bin",
        f"/{short('site:9')}/{seal}/{identity}/{file}",
        f"/{group}/{seal[:-1]}/{identity}/{file}",
        f"/{group}//{identity}/{file}",
        f"/{group}/{seal}/{identity}/../{file}",
        f"/{group}/{seal}/{identity}/%2e%2e%2f{file}",
        f"/{group}/{seal}/{identity}/{file}/",
        f"//{group}/{seal}/{identity}/{file}",
        f"/{group}/{seal}/{identity}/{file}?x=1",
        f"/{group}/{seal}/{identity}/{file.replace('a', '%61', 1)}",
        f"/{group}/{seal}/{identity}/{file}%00",
        f"http://elsewhere{path}",
        "/",
        "",
        "/../../../../etc/passwd",
    ]


@pytest.mark.parametrize("path", changed(Links(KEY).path(LINK)))
def test_whatever_is_changed_in_a_link_leaves_no_link(path: str) -> None:
    assert Links(KEY).read(path) is None


@given(st.text(max_size=200))
def test_no_text_from_outside_breaks_the_reading(path: str) -> None:
    assert Links(KEY).read(path) is None
    assert Links(KEY).read_parts(path.split("/")) is None


def test_the_key_is_in_no_printed_form() -> None:
    assert "kkk" not in repr(Links(KEY))
