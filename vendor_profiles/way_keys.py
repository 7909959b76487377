"""The keys of a profile file that say how a value travels: HTTP requests, scripts, firmware, steps afterwards.

The other half of the table in ``keys``; both are read, checked and described
from here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from migrate.domain.profile import Readback
from migrate.domain.ways import (
    Call,
    Encoding,
    Exit,
    Finish,
    Firmware,
    HttpApi,
    HttpAuth,
    HttpKey,
    Script,
    Until,
    Way,
)
from vendor_profiles.free_form import TREE, by_number, named, whole_number
from vendor_profiles.laws.breach import MAX_KEY
from vendor_profiles.readers import (
    ANY_TEXT,
    BOOLEAN,
    DURATION,
    TEXT,
    TEXTS,
    Kind,
    Notes,
    choice,
    group,
    list_of,
    shape,
    struct,
)
from vendor_profiles.tree import Node


class Verb(StrEnum):
    """What a request does."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


WRITE: dict[str, Kind] = {
    "key": TEXT.meaning(f"the key as the station names it, at most {MAX_KEY} characters; ${{free_slot}} with slots"),
    "value": ANY_TEXT.meaning("what is written, with ${url} and the other templates filled in"),
    "via": choice(Way).meaning("by which way; left out: ssh for scripts, http for HTTP, otherwise ocpp"),
    "fields": named(ANY_TEXT).meaning("instead of value: the fields of an object, each with templates filled in"),
    "secret": TEXT.meaning("the name of a secret in the vault; only in finish"),
    "encoding": choice(Encoding).meaning("how the station wants the secret spelled; left out: plain"),
    "stays": BOOLEAN.meaning("true: left as it is when the rest is undone"),
    "only_if_renamed": BOOLEAN.meaning("true: written only at a station that gets another identity with the move"),
    "readback": choice(Readback).meaning("masked where the station hides what it holds"),
    "also_named": TEXTS.meaning("the same key under other names, by build: the station has exactly one of them"),
    "within": TEXT.meaning("the one field of a packed value that is replaced"),
    "only_with": TEXT.meaning("the write is made only where the station holds something in this key"),
    "keeps_form": BOOLEAN.meaning("refuse a station whose value has the identity at its end where the new one has not"),
}
_SAYS_WHAT = ("value", "fields", "secret")


def _write(node: Node, key: str, notes: Notes) -> dict[str, Any]:
    """One write as it was said; by which way it goes where it does not say so depends on the profile's method."""
    said = struct(node, key, notes, WRITE, {"key"})
    if not said.keys() & set(_SAYS_WHAT):
        raise notes.bad(node.place, key, "The key value is missing.", "Write value, fields or secret.")
    return said


_A_WRITE = {**shape(WRITE, {"key"}), "anyOf": [{"required": [name]} for name in _SAYS_WHAT]}
WRITES = list_of(Kind(_write, _A_WRITE))
UNTIL: dict[str, Kind] = {
    "pick": TEXT.meaning("the name of the pick that is looked at"),
    "is_one_of": TEXTS.meaning("the values that end the asking, in quotes"),
    "failed": TEXTS.meaning("the values that mean no, in quotes"),
    "every": DURATION.meaning("between two requests; left out: 5s"),
    "within": DURATION.meaning("altogether; left out: 2m"),
}
STATUS = whole_number(200, 599)
CALL: dict[str, Kind] = {
    "path": TEXT.meaning("from the root, with ${identity} and the other templates; each is one segment"),
    "method": choice(Verb).meaning("left out: GET"),
    "query": named(ANY_TEXT).meaning("name and value, with templates"),
    "headers": named(TEXT).meaning("name and value, with templates; Authorization comes from auth"),
    "json": TREE.meaning('the body as a tree; its texts are templates, and the field "..." spreads a picked object'),
    "form": named(ANY_TEXT).meaning("the body as a form"),
    "expect": list_of(STATUS).meaning("statuses that mean yes; left out: 200"),
    "busy": list_of(STATUS).meaning("statuses that mean not now"),
    "picks": named(TEXT).meaning(
        "values taken from a JSON reply: a name, and where it stands, as in data.items[0].id; $ is all of it"
    ),
    "until": group(Until, UNTIL, {"pick", "is_one_of"}).meaning("ask again until a pick reads as wanted"),
}
CALLS = list_of(group(Call, CALL, {"path"}))
HTTP_KEY: dict[str, Kind] = {
    "read": CALLS.meaning("one of them picks value"),
    "write": CALLS.meaning("in order; ${value} is the value of this key, ${value_json} the same as JSON text"),
    "appends": TEXT.meaning("what the interface shows behind the value that it was given; taken off when it is read"),
}
HTTP: dict[str, Kind] = {
    "base": TEXT.meaning("http://${ip} for the station's own interface, https://host for its maker's cloud"),
    "keys": named(group(HttpKey, HTTP_KEY, {"read", "write"})).meaning("how each key is read and written"),
    "auth": choice(HttpAuth).meaning("left out: none"),
    "user": TEXT.meaning("the name that goes with the secret"),
    "secret": TEXT.meaning("the name of a password or token in the vault"),
    "login": CALLS.meaning("made once per errand; with bearer it picks token"),
    "restart": CALLS.meaning("what restarts the station, where restart_via is http"),
    "timeout": DURATION.meaning("per request; left out: 15s"),
}
SCRIPT: dict[str, Kind] = {
    "read": TEXTS.meaning("the command that prints the value of ${key} and nothing else, one argument each"),
    "write": TEXTS.meaning("the command that stores ${value} under ${key}, one argument each"),
    "restart": TEXTS.meaning("what restarts the station, where restart_via is ssh"),
    "file": TEXT.meaning("a script in the campaign's profiles folder; it is copied to ${script} first"),
    "user": TEXT.meaning("who signs in; left out: root"),
    "secret": TEXT.meaning("the name of the password in the vault, or of the key's passphrase"),
    "key": TEXT.meaning("the name of a private key in the vault"),
    "port": whole_number(1, 65535).meaning("left out: the campaign's"),
    "by_jump": BOOLEAN.meaning("true: reached through the campaign's jump host"),
    "shell": BOOLEAN.meaning("false: the station runs the arguments as they are; left out: true, each is quoted"),
    "exits": by_number(choice(Exit), 255).meaning("exit codes and what they mean; any other than 0 is a refusal"),
    "timeout": DURATION.meaning("per command; left out: 30s"),
}
FIRMWARE: dict[str, Kind] = {
    "steps": TEXTS.meaning("versions in order, as a boot says them; the last is the one wanted"),
    "protocols": TEXTS.meaning("http, https, ftp: the first that the campaign serves is taken; left out: http"),
    "carries_address": BOOLEAN.meaning("true: the image itself holds the new backend"),
    "brings_keys": BOOLEAN.meaning(
        "true: the other keys are there with the last version only; they are read and written once it runs"
    ),
    "keeps_address": BOOLEAN.meaning(
        "true: known not to reset the address; otherwise it is read again after each step"
    ),
    "allows_downgrade": BOOLEAN.meaning("true: an older version may be installed over a newer one"),
    "is_signed": BOOLEAN.meaning("true: SignedUpdateFirmware of the OCPP 1.6 security extension"),
    "retries": whole_number(0, 20).meaning("of the station's own; left out: 1"),
    "retry_interval": DURATION.meaning("between them; left out: 3m"),
    "within": DURATION.meaning("from the order to the boot with the new version; left out: 45m"),
}
_FINISH = {
    Finish.CLEAN_UP: "the slot of the source is emptied: the station returns there no more",
    Finish.RAISE_SECURITY: "one-way: the security profile is raised",
    Finish.PASSWORD: "a new password, by its name in the vault",
}
FINISH: dict[str, Kind] = {step.value: WRITES.meaning(words) for step, words in _FINISH.items()}

SECTIONS: dict[str, Kind] = {
    "restart_via": choice(Way, only=(Way.OCPP, Way.SSH, Way.HTTP)).meaning("by which way it is restarted; left out: ocpp"),
    "http": group(HttpApi, HTTP, {"base", "keys"}).meaning("the station's own HTTP interface or its maker's cloud"),
    "script": group(Script, SCRIPT, {"read", "write"}).meaning("what is run on the station over SSH"),
    "firmware": group(Firmware, FIRMWARE, {"steps"}).meaning("which versions lead to the one that is wanted"),
    "finish": group(dict, FINISH).meaning("steps once a station has settled, ordered by a person and never taken by themselves"),
}  # fmt: skip
