"""Laws over the unit of writes: what is written, under which key, in which order, by which way."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.domain.profile import TEMPLATE_NAMES, Method, Profile, Write
from migrate.domain.ways import Way
from vendor_profiles.laws.breach import (
    ADDRESS_NAMES,
    MAX_KEY,
    MAX_LONG_KEY,
    MAX_LONG_VALUE,
    MAX_VALUE,
    SLOT_NAMES,
    Breach,
    all_writes,
    carries_url,
    is_secret,
    judge_secret_name,
    judge_template,
)


def _writes_something(profile: Profile) -> Iterator[Breach]:
    if profile.method is not Method.VISIT and not profile.writes:
        yield Breach("writes", "There is nothing to write.", "Name the key that carries the URL.")
    seen: set[str] = set()
    for i, write in enumerate(profile.writes):
        if again := seen.intersection(write.names):
            yield Breach(f"writes[{i}].key", f"{min(again)} is written twice.")
        seen.update(write.names)


def _each_write_is_one_thing(profile: Profile) -> Iterator[Breach]:
    """A value, an object or a secret; an object may hold a secret."""
    for at, write in all_writes(profile):
        if write.value and (write.fields is not None or write.secret):
            yield Breach(f"{at}.value", "A write has one of value, fields and secret.", "Remove the others.")
        if write.fields is not None and write.via is not Way.OCPP:
            yield Breach(f"{at}.fields", "An object is written over OCPP only.", "Use value.")
        yield from judge_secret_name(f"{at}.secret", write.secret)


def _templates_are_known(profile: Profile) -> Iterator[Breach]:
    known = TEMPLATE_NAMES - {"secret"} - (frozenset() if profile.slots else SLOT_NAMES)
    for at, write in all_writes(profile):
        yield from judge_template(f"{at}.key", write.key, known)
        yield from judge_template(f"{at}.value", write.value, known)
        for name, text in (write.fields or {}).items():
            in_fields = known | ({"secret"} if write.secret else set())
            yield from judge_template(f"{at}.fields.{name}", text, in_fields)
    for i, step in enumerate(profile.visit):
        yield from judge_template(f"visit[{i}]", step, ADDRESS_NAMES)


def _keys_fit_the_protocol(profile: Profile) -> Iterator[Breach]:
    is_long = speaks_2(profile)
    longest = MAX_LONG_KEY if is_long else MAX_KEY
    for at, key in _named_keys(profile):
        if len(key) > longest:
            yield Breach(at, f"{key:.20}… has {len(key)} characters, OCPP allows {longest}.")
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            yield Breach(at, f"{key!r} is no key: it holds blanks or letters outside ASCII.")
    most = MAX_LONG_VALUE if is_long else MAX_VALUE
    if not 1 <= profile.max_value_length <= most:
        yield Breach("max_value_length", f"A value has 1 to {most} characters.")


def speaks_2(profile: Profile) -> bool:
    """Whether every station it is for speaks OCPP 2.0.1 or later."""
    return all(version.startswith("2.") for version in profile.selector.ocpp_versions)


def _named_keys(profile: Profile) -> Iterator[tuple[str, str]]:
    for at, write in all_writes(profile):
        if "$" not in write.key:
            yield f"{at}.key", write.key
        for j, name in enumerate(write.also_named):
            yield f"{at}.also_named[{j}]", name
    if profile.slots:
        yield from ((f"slots.keys[{i}]", key) for i, key in enumerate(profile.slots.keys))
        yield "slots.priority_key", profile.slots.priority_key
        if profile.slots.active_key:
            yield "slots.active_key", profile.slots.active_key


def _keys_are_read_before(profile: Profile) -> Iterator[Breach]:
    """A value that was not read cannot be put back."""
    for i, write in enumerate(profile.writes):
        if "$" in write.key and write.key != "${free_slot}":
            yield Breach(
                f"writes[{i}].key", "Only ${free_slot} may stand for a key.", "The active slot is the way back."
            )
        elif any("$" in name for name in write.also_named):
            yield Breach(f"writes[{i}].also_named", "Another name is a plain key.")
        elif write.key != "${free_slot}" and write.key not in profile.reads:
            yield Breach(f"writes[{i}].key", f"{write.key} is written but not read before.")
        if write.only_with and write.only_with not in profile.reads:
            yield Breach(f"writes[{i}].only_with", f"{write.only_with} is none of the keys that are read.")
        if write.within and not re.fullmatch(r"\w+", write.within, re.ASCII):
            yield Breach(f"writes[{i}].within", "A field of a packed value is one word.")


def _url_goes_last(profile: Profile) -> Iterator[Breach]:
    """Until the URL is written the station still lives where it was, whatever else was refused."""
    carries_it = profile.firmware is not None and profile.firmware.carries_address
    if not profile.writes or profile.slots or carries_it:
        return
    carries = [carries_url(write) for write in profile.writes]
    if not any(carries):
        yield Breach(
            "writes", "No write carries the URL.", "One value names ${url}, ${full_url}, ${origin} or ${host}."
        )
    elif not all(carries[carries.index(True) :]):
        late = max(i for i, carrier in enumerate(carries) if not carrier)
        yield Breach(f"writes[{late}]", "This is written after the URL.", "Move the URL to the end.")


def _a_root_goes_first(profile: Profile) -> Iterator[Breach]:
    """A station that was sent to a CSMS whose root it does not know is not seen again."""
    carriers = [i for i, write in enumerate(profile.writes) if carries_url(write)]
    for i, write in enumerate(profile.writes):
        if write.via is not Way.CERTIFICATE:
            continue
        if write.value != "${root}":
            yield Breach(f"writes[{i}].value", "A root certificate is ${root}, the target's.", "Write ${root}.")
        if carriers and carriers[0] < i:
            yield Breach(f"writes[{i}]", "The root certificate is installed after the URL.", "Move it to the front.")


def _no_secret_moves(profile: Profile) -> Iterator[Breach]:
    """A password that changes in a step which must still come back locks the station out of its source."""
    hint = "A password or a higher security profile is a step of finish, after the move."
    for i, write in enumerate(profile.writes):
        if _is_a_slots_own_password(profile, write):
            continue
        for name in (*write.names, *(write.fields or {})):
            if is_secret(name):
                yield Breach(f"writes[{i}].key", f"{name} holds a secret, and a move changes none.", hint)
        if write.secret:
            yield Breach(f"writes[{i}].secret", "A move writes no secret.", hint)


def _is_a_slots_own_password(profile: Profile, write: Write) -> bool:
    """OCPP 2.1 gives each slot a password: the slot in use, and with it the way back, keeps its own.

    A station of 2.0.1 has one for all of them, therefore only for a profile of 2.1 alone.
    """
    secrets = {name: text for name, text in (write.fields or {}).items() if is_secret(name)}
    return (
        write.key == "${free_slot}"
        and write.stays
        and profile.selector.ocpp_versions == ("2.1",)
        and secrets == {"basicAuthPassword": "${secret}"}
    )


LAWS = (
    _writes_something,
    _each_write_is_one_thing,
    _templates_are_known,
    _keys_fit_the_protocol,
    _keys_are_read_before,
    _url_goes_last,
    _a_root_goes_first,
    _no_secret_moves,
)
