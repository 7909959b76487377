"""Nothing that an inventory, a station or a unit says becomes code on a station: every sink, against a real shell.

A canary file lies where any command that slipped through would put it.
"""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrate.adapters.channels.ssh.arguments import command_of
from migrate.domain.errors import MigrateError, Mismatch
from tests.adapters.ssh.host import Box, Way, a_script, a_station

HOSTILE = [
    "; touch canary",
    "&& touch canary",
    "| touch canary",
    "& touch canary &",
    "$(touch canary)",
    "`touch canary`",
    "'; touch canary; '",
    '"; touch canary; "',
    "'$(touch canary)'",
    "\\'; touch canary; \\'",
    "> canary",
    "${IFS}touch${IFS}canary",
    "x' 'y\" \"z",
    "*",
    "~root",
    "!!",
    "#",
    "%s%s%n",
    "${identity}",
    "$identity",
    "{{ 7 * 7 }}",
]
UNPRINTABLE = ["\n touch canary", "\0", "\r\ntouch canary", "\x1b]0;x\x07", "\u202e", "\x85touch canary", "\u2028"]
OPTIONS = ["-rf", "--help", "-"]


def nothing_ran(box: Box) -> bool:
    return not any(path.name == "canary" for path in box.folder.rglob("*"))


async def test_a_hostile_value_is_stored_letter_by_letter_and_runs_nothing(box: Box, way: Way) -> None:
    door = way.to(a_station())

    for text in HOSTILE:
        await door.write("AC1", "url", text)
        assert (box.store / "url").read_text() == text
        assert await door.read("AC1", ["url"]) == {"url": text}

    assert nothing_ran(box)


@pytest.mark.parametrize("column", ["identity", "serial"])
async def test_a_hostile_inventory_reaches_a_command_as_one_argument(box: Box, way: Way, column: str) -> None:
    script = a_script(write=("cfg", "set", "--", "url", f"${{{column}}}"))

    for text in HOSTILE:
        station = a_station(**{column: text})
        await way.to(station, script).write(station.identity, "url", "new")
        assert (box.store / "url").read_text() == text

    assert nothing_ran(box)


@pytest.mark.parametrize("column", ["notes", "site_name", "vendor", "model", "firmware", "access", "contact_name"])
async def test_a_column_that_no_command_may_name_is_refused_as_soon_as_a_profile_names_it(
    way: Way, column: str
) -> None:
    script = a_script(write=("cfg", "set", "--", "url", f"${{{column}}}"))

    with pytest.raises(Mismatch, match="which there is not"):
        await way.to(a_station(**{column: "; touch canary"}), script).write("AC1", "url", "new")


@pytest.mark.parametrize("text", UNPRINTABLE, ids=repr)
async def test_a_value_that_cannot_be_printed_goes_into_no_command(box: Box, way: Way, text: str) -> None:
    with pytest.raises(Mismatch, match="cannot be printed"):
        await way.to(a_station()).write("AC1", "url", f"ws://new{text}")
    with pytest.raises(Mismatch, match="cannot be printed"):
        await way.to(a_station(serial=text), a_script(read=("cfg", "get", "${serial}"))).read("AC1", ["url"])

    assert nothing_ran(box)


@pytest.mark.parametrize("text", OPTIONS)
async def test_a_value_that_reads_as_an_option_is_refused_unless_the_profile_ended_the_options(
    box: Box, way: Way, text: str
) -> None:
    with pytest.raises(Mismatch, match="as an option"):
        await way.to(a_station(), a_script(write=("cfg", "set", "${key}", "${value}"))).write("AC1", "url", text)
    await way.to(a_station()).write("AC1", "url", text)

    assert (box.store / "url").read_text() == text


@pytest.mark.parametrize("text", HOSTILE + OPTIONS)
async def test_where_there_is_no_shell_a_value_that_would_fall_apart_is_refused(text: str) -> None:
    splits = any(character.isspace() or character in "\"'\\" for character in text)
    arguments = ("set", "--", "${value}")

    if splits:
        with pytest.raises(Mismatch, match="holds a blank or a quote"):
            command_of(arguments, {"value": text}, shell=False, identity="AC1")
    else:
        assert command_of(arguments, {"value": text}, shell=False, identity="AC1") == f"set -- {text}"


@pytest.mark.parametrize(
    "arguments",
    [
        ("sh", "-c", "cfg set url ${value}"),
        ("/bin/sh", "-ec", "${value}"),
        ("sudo", "bash", "-lc", "echo ${value}"),
        ("eval", "${value}"),
        ("awk", "{print ${value}}"),
        ("sed", "-e", "s/x/${value}/", "file"),
        ("python3", "-c", "${value}"),
        ("env", "perl", "-e", "${value}"),
        ("xargs", "${value}"),
        ("${value}",),
    ],
    ids=" ".join,
)
def test_an_interpreter_never_takes_a_value_as_part_of_its_program(arguments: tuple[str, ...]) -> None:
    with pytest.raises(Mismatch):
        command_of(arguments, {"value": "x"}, shell=True, identity="AC1")


def test_an_interpreter_takes_values_behind_its_program() -> None:
    one = command_of(("sh", "-c", "cfg set url", "sh", "${value}"), {"value": "a b"}, shell=True, identity="AC1")
    two = command_of(("sh", "${script}", "${value}"), {"value": "x", "script": "/tmp/s"}, shell=True, identity="AC1")

    assert one == "sh -c 'cfg set url' sh 'a b'"
    assert two == "sh /tmp/s x"


@pytest.mark.parametrize("printed", [b"ws://old\x1b[2J", b"ws://old\n$(touch canary)", b"\xff\xfe", b"x" * 5000])
async def test_what_a_station_prints_is_a_value_or_nothing_at_all(box: Box, way: Way, printed: bytes) -> None:
    (box.store / "url").write_bytes(printed)

    with pytest.raises(Mismatch, match="no value of one line"):
        await way.to(a_station()).read("AC1", ["url"])


async def test_a_hostile_old_value_is_written_back_letter_by_letter(box: Box, way: Way) -> None:
    door = way.to(a_station())
    (box.store / "url").write_text("ws://old/$(touch canary); touch canary")

    held = await door.read("AC1", ["url"])
    await door.write("AC1", "url", "ws://new")
    await door.write("AC1", "url", str(held["url"]))

    assert (box.store / "url").read_text() == "ws://old/$(touch canary); touch canary"
    assert nothing_ran(box)


async def test_what_a_station_says_of_a_refusal_holds_no_control_and_no_end_of_it(box: Box, way: Way) -> None:
    (box.folder / "bin" / "cfg").write_text("#!/bin/sh\nprintf '\\033[2Jpwned\\007 %0500d' 7 >&2\nexit 4\n")

    with pytest.raises(MigrateError) as raised:
        await way.to(a_station()).write("AC1", "url", "new")

    assert raised.value.message.isprintable()
    assert len(raised.value.message) < 500


@settings(deadline=None, max_examples=60)
@given(value=st.text(max_size=80), key=st.text(min_size=1, max_size=20))
def test_a_real_shell_takes_any_filled_command_apart_into_the_arguments_that_were_meant(value: str, key: str) -> None:
    names = {"value": value, "key": key}
    try:
        command = command_of(("printf", "%s\\0", "--", "${key}", "k=${value}"), names, shell=True, identity="AC1")
    except Mismatch:
        assert not (value.isprintable() and key.isprintable())
        return

    assert asyncio.run(_words_of(command)) == ["--", key, f"k={value}"]


async def _words_of(command: str) -> list[str]:
    shell = await asyncio.create_subprocess_exec("/bin/sh", "-c", command, stdout=asyncio.subprocess.PIPE)
    out, _ = await shell.communicate()
    return out.decode().split("\0")[:-1]
