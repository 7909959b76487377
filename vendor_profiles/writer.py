"""A profile of OCPP keys, or of a visit, as the text of a profile file.

What it writes, ``read_profiles`` reads back as the same profile.  Every text
goes out as a JSON string, which YAML takes as it is: what a station says of
itself can never become structure.  Other ways than OCPP are written by hand
and refused here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from migrate.domain.errors import ProfileProblem
from migrate.domain.profile import Profile, Quirks, Readback, Slots, Timing, Write
from migrate.domain.ways import Way
from vendor_profiles.keys import SCHEMA


def profile_text(profile: Profile, *, family: str) -> str:
    """A whole file with one profile in it.  Raises ``ProfileProblem`` for what only a person can write."""
    if profile.http or profile.script or profile.firmware or profile.finish or profile.timing != Timing():
        raise ProfileProblem(f"{profile.name} goes by other ways than OCPP keys.", hint="Write its file by hand.")
    return (
        "\n".join([f"schema: {SCHEMA}", f"family: {_scalar(family)}", "profiles:", *_listed(_entries(profile))]) + "\n"
    )


def _entries(profile: Profile) -> Iterator[tuple[str, Any]]:
    selector, firmware = profile.selector, profile.selector.firmware
    bounds = {"at_least": firmware.at_least, "below": firmware.below}
    chosen: dict[str, Any] = {"vendors": selector.vendors, "models": selector.models}
    chosen |= {"firmware": _kept(bounds)} if any(bounds.values()) else {}
    yield "name", profile.name
    yield "title", profile.title
    yield "selector", chosen | {"ocpp_versions": selector.ocpp_versions}
    yield "method", profile.method.value
    yield "rollback", profile.rollback.value
    yield "turning_point", profile.turning_point.value
    yield "proof", _kept({"level": profile.proof.value, "evidence": profile.evidence})
    if profile.slots:
        yield "slots", _slots(profile.slots)
    if profile.writes:
        yield "writes", [_write(write) for write in profile.writes]
    yield "restart", profile.restart.value
    yield "slash", profile.slash.value
    yield "max_value_length", profile.max_value_length
    if quirks := _quirks(profile.quirks):
        yield "quirks", quirks
    for name in ("visit", "sources", "notes"):
        if lines := getattr(profile, name):
            yield name, lines


def _slots(slots: Slots) -> dict[str, Any]:
    said = {"keys": slots.keys, "priority_key": slots.priority_key, "names": slots.names}
    return _kept(
        {**said, "active_key": slots.active_key, "separator": "" if slots.separator == "," else slots.separator}
    )


def _write(write: Write) -> dict[str, Any]:
    if write.via is not Way.OCPP or write.secret:
        raise ProfileProblem(f"{write.key} goes by {write.via.value}.", hint="Write this profile by hand.")
    said: dict[str, Any] = {"key": write.key, "value": write.value, "within": write.within, "fields": write.fields}
    said |= {"also_named": write.also_named, "only_with": write.only_with, "keeps_form": write.keeps_form}
    said |= {"stays": write.stays, "only_if_renamed": write.only_if_renamed}
    return _kept(said) | ({"readback": write.readback.value} if write.readback is not Readback.EXACT else {})


def _quirks(quirks: Quirks) -> dict[str, Any]:
    usual = Quirks()
    names = ("triggers_boot", "boots_on_reconnect", "max_keys", "refuses_after_write", "falls_back", "notes")
    return {name: value for name in names if (value := getattr(quirks, name)) != getattr(usual, name)}


def _kept(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value}


def _listed(entries: Iterable[tuple[str, Any]]) -> Iterator[str]:
    """One profile as an item of the list: each of its keys on a line, long lists below theirs."""
    for at, (name, value) in enumerate(entries):
        begin = "  - " if at == 0 else "    "
        if isinstance(value, list | tuple) and name != "names":
            yield f"{begin}{name}:"
            yield from (f"      - {_flow(one)}" for one in value)
        else:
            yield f"{begin}{name}: {_flow(value)}"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(one) for one in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)
