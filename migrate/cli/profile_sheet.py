"""One profile in full, as text for people and as JSON for programs.

It says what a profile holds and what its proof level lets it do; it decides
nothing and opens no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any

from migrate.domain.profile import Method, Profile, Proof, Readback, Write
from migrate.domain.ways import Call, Finish, Firmware, HttpApi, Script, Way
from reports.words import display
from vendor_profiles import digest

_WORDS = {
    Finish.CLEAN_UP: "clean up",
    Finish.RAISE_SECURITY: "raise the security profile (one-way)",
    Finish.PASSWORD: "new password",
}


def summary(profile: Profile) -> dict[str, Any]:
    """What a list shows of a profile."""
    selector = profile.selector
    return {
        "name": profile.name,
        "title": profile.title,
        "vendors": selector.vendors,
        "models": selector.models,
        "firmware": {"at_least": selector.firmware.at_least, "below": selector.firmware.below},
        "ocpp_versions": selector.ocpp_versions,
        "method": profile.method,
        "rollback": profile.rollback,
        "one_way": profile.rollback.is_one_way,
        "turning_point": profile.turning_point,
        "proof": profile.proof,
        "needs_acceptance": profile.method is not Method.VISIT and profile.proof not in (Proof.BENCH, Proof.FIELD),
        "digest": digest(profile),
    }


def whole(profile: Profile) -> dict[str, Any]:
    """Everything a profile holds."""
    parts = ("evidence", "writes", "reads", "restart", "restart_via", "slash", "max_value_length", "slots", "timing")
    ways = ("http", "script", "firmware", "finish", "quirks", "visit", "sources", "notes")
    return {**summary(profile), **{name: _plain(getattr(profile, name)) for name in (*parts, *ways)}}


def _plain(value: Any) -> Any:
    """A value of the domain as JSON has it; a duration in seconds, which its name then says."""
    if is_dataclass(value):
        return dict(_fields(value))
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value


def _fields(value: Any) -> Iterator[tuple[str, Any]]:
    for field in fields(value):
        held = getattr(value, field.name)
        if "timedelta" in str(field.type):
            yield f"{field.name}_s", held.total_seconds() if isinstance(held, timedelta) else None
        else:
            yield field.name, _plain(held)


def allowed(profile: Profile, accepted: str) -> str:
    """What the proof level lets the profile do."""
    if profile.method is Method.VISIT:
        return "a crew moves it, in whatever wave it stands"
    if profile.proof in (Proof.BENCH, Proof.FIELD):
        return "every wave"
    if accepted:
        return f"every wave, accepted by a person: {display(accepted, limit=500)}"
    return "wave 0 only; after a bench test accept it in campaign.toml under [profiles.accepted], with a reason"


def told(profile: Profile, accepted: str) -> Iterator[str]:
    """A profile in words, line by line."""
    selector = profile.selector
    one_way = ", one-way" if profile.rollback.is_one_way else ""
    yield f"{profile.name}: {profile.title}"
    yield f"  fits       vendor {' or '.join(selector.vendors)}; model {' or '.join(selector.models)}"
    yield f"             firmware {selector.firmware}; OCPP {' or '.join(selector.ocpp_versions)}"
    yield f"  method     {profile.method}"
    yield f"  rollback   {profile.rollback}{one_way}; the turning point is the {profile.turning_point}"
    yield f"  proof      {profile.proof}"
    yield f"  allows     {allowed(profile, accepted)}"
    if profile.writes:
        by = "" if profile.restart_via is Way.OCPP else f" by {profile.restart_via}"
        yield f"  restart    {profile.restart}{by}; slash at the end: {profile.slash}"
    yield from _listed("writes", (_written(write) for write in profile.writes))
    yield from _ways(profile)
    for step, writes in profile.finish.items():
        yield from _listed("finish", (f"{_WORDS[step]}: {_written(write)}" for write in writes))
    yield from _listed("visit", (f"{i}. {step}" for i, step in enumerate(profile.visit, 1)))
    yield from _listed("quirks", profile.quirks.notes)
    yield from _listed("notes", profile.notes)
    yield from _listed("evidence", profile.evidence)
    yield from _listed("sources", profile.sources)


def _written(write: Write) -> str:
    key = " or ".join(write.names)
    where = f", the field {write.within} of it," if write.within else ""
    held = f"the secret {write.secret}, {write.encoding}" if write.secret else write.value
    if write.fields is not None:
        held = "{" + ", ".join(f"{name}: {text}" for name, text in write.fields.items()) + "}"
    told = [f"by {write.via}"] if write.via is not Way.OCPP else []
    told += [f"read back {write.readback}"] if write.readback is Readback.MASKED else []
    told += [f"only where {write.only_with} holds something"] if write.only_with else []
    told += ["only at a station that is renamed"] if write.only_if_renamed else []
    told += ["only where the value held has the same form"] if write.keeps_form else []
    told += ["left as it is when the rest is undone"] if write.is_left else []
    return f"{key}{where} = {held}" + (f" ({'; '.join(told)})" if told else "")


def _ways(profile: Profile) -> Iterator[str]:
    if profile.slots:
        order = profile.slots.separator.join(profile.slots.names or profile.slots.keys)
        yield from _listed("slots", [f"{' and '.join(profile.slots.keys)}; {profile.slots.priority_key} = {order}"])
    if profile.firmware:
        yield from _listed("firmware", _flashed(profile.firmware))
    if profile.script:
        yield from _listed("script", _scripted(profile.script))
    if profile.http:
        yield from _listed("http", _asked(profile.http))


def _flashed(firmware: Firmware) -> Iterator[str]:
    yield f"{', then '.join(firmware.steps)}; over {' or '.join(firmware.protocols)}"
    said = [
        (firmware.carries_address, "the image carries the address"),
        (not firmware.keeps_address and not firmware.carries_address, "the address is read again after each step"),
        (firmware.brings_keys, "the other keys are there with the last version only"),
        (firmware.is_signed, "signed"),
        (firmware.allows_downgrade, "older versions are allowed"),
    ]
    yield "; ".join([f"given up after {_span(firmware.within)}", *(words for holds, words in said if holds)])


def _scripted(script: Script) -> Iterator[str]:
    door = [f"as {script.user}", f"with {' and '.join(filter(None, (script.key, script.secret)))}"]
    door += ["through the jump host"] if script.by_jump else []
    door += [f"port {script.port}"] if script.port else []
    yield " ".join(door)
    for verb, command in (("read", script.read), ("write", script.write), ("restart", script.restart)):
        if command:
            yield f"{verb}: {' '.join(command)}"
    if script.file:
        yield f"copied first: {script.file}"
    if script.exits:
        yield "exit codes: " + ", ".join(f"{code} {meaning}" for code, meaning in sorted(script.exits.items()))


def _asked(api: HttpApi) -> Iterator[str]:
    who = f", {api.auth} with {api.secret or 'the token of login'}" if api.auth != "none" else ""
    yield f"{api.base}{who}"
    yield from _calls("login", api.login)
    for name, key in api.keys.items():
        yield from _calls(f"read {name}", key.read)
        yield from _calls(f"write {name}", key.write)
    yield from _calls("restart", api.restart)


def _calls(title: str, calls: Iterable[Call]) -> Iterator[str]:
    for call in calls:
        picks = f"; picks {', '.join(call.picks)}" if call.picks else ""
        until = f"; until {call.until.pick} is {' or '.join(call.until.is_one_of)}" if call.until else ""
        busy = f"; {' or '.join(map(str, call.busy))}: not now" if call.busy else ""
        yield f"{title}: {call.method} {call.path}{picks}{until}{busy}"


def _span(duration: timedelta) -> str:
    return f"{duration.total_seconds() / 60:g} min"


def _listed(title: str, lines: Iterable[str]) -> Iterator[str]:
    for i, line in enumerate(lines):
        yield f"  {title if i == 0 else '':<11}{line}"
