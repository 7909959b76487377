"""Filling a profile's templates for one station: from what a family can do to what this one is told.

A profile names keys and templates; a station shows what it holds; a goal says
where it is to go.  What comes of the three is the unit of writes, or the
reason for which there is none.  It sends nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from string import Template
from urllib.parse import unquote

from migrate.domain.address import Backend
from migrate.domain.errors import Mismatch, ProfileProblem
from migrate.domain.profile import SECURITY_PROFILE_KEYS, SECURITY_PROFILES, Profile, Readback, Write
from migrate.domain.secret import stand_in
from migrate.domain.slots import slots_of
from migrate.domain.unit import PreparedWrite, is_mask
from migrate.domain.ways import FIRMWARE_KEY, Finish, Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Where one station is to go: the backend, and what it is called there.

    ``was`` is its identity on the side it leaves.  ``root`` is the fingerprint
    of the root certificate of the CSMS it goes to, empty where nothing has to
    be installed; ``security_profile`` what the inventory says of it.
    """

    backend: Backend
    identity: str
    was: str = ""
    apn: str = ""
    root: str = ""
    security_profile: int | None = None

    @property
    def is_renamed(self) -> bool:
        return bool(self.was) and self.was != self.identity


def prepare(profile: Profile, goal: Goal, snapshot: Mapping[str, str | None]) -> tuple[PreparedWrite, ...]:
    """The unit of writes that moves one station, in order, the URL last.

    ``snapshot`` is what the station holds now.  Raises ``Mismatch`` when the
    station lacks a key the profile needs, names its slots differently, or
    shows that it finds its backend by some other setting; ``ProfileProblem``
    when a value does not fit the protocol.  An identity that cannot be
    printed is never put into a value.
    """
    identity = goal.identity
    if not identity.isprintable():
        raise Mismatch(
            f"{identity!r} holds control characters: it is put into no value.",
            identity=identity,
            hint="Mend the identity in the inventory.",
        )
    if goal.is_renamed and not any(write.only_if_renamed for write in profile.writes):
        raise Mismatch(
            f"{goal.was} is to be called {identity}, and profile {profile.name} cannot change an identity.",
            identity=goal.was,
            hint="Leave its target_identity empty, or move it by a visit.",
        )
    if _waits_for_firmware(profile, snapshot):
        known = _with_nothing_of_the_station(_named(profile, goal.backend, identity))
        return tuple(_filled(profile, one, known, snapshot) for one in profile.writes if one.via is Way.FIRMWARE)
    names = _names(profile, goal, snapshot)
    unit = tuple(
        _filled(profile, write, names, snapshot) for write in profile.writes if _is_wanted(write, goal, snapshot)
    )
    if profile.writes and (not unit or _finds_it_elsewhere(unit[-1])):
        keys = unit[-1].key if unit else " or ".join(dict.fromkeys(write.only_with for write in profile.writes))
        raise Mismatch(
            f"{identity} holds nothing in {keys}: it finds its backend by another setting.",
            identity=identity,
            hint=f"Profile {profile.name} would change nothing; probe the station before planning it again.",
        )
    return unit


def _waits_for_firmware(profile: Profile, snapshot: Mapping[str, str | None]) -> bool:
    """Whether the station does not have its keys yet: then the firmware that brings them is all of the unit."""
    firmware = profile.firmware
    return firmware is not None and firmware.brings_keys and snapshot.get(FIRMWARE_KEY) != firmware.steps[-1]


def prepare_finish(
    profile: Profile, step: Finish, goal: Goal, snapshot: Mapping[str, str | None]
) -> tuple[PreparedWrite, ...]:
    """The writes of a step after the move, for a station that lives on the target; nothing of it is put back.

    Raises as ``prepare`` does.
    """
    writes = profile.finish.get(step, ())
    names = _names(replace(profile, writes=writes), goal, snapshot)
    return tuple(_filled(profile, write, names, snapshot) for write in writes)


def _is_wanted(write: Write, goal: Goal, snapshot: Mapping[str, str | None]) -> bool:
    if write.only_if_renamed and not goal.is_renamed:
        return False
    if write.via is Way.CERTIFICATE and not goal.root:
        return False
    return not write.only_with or bool(snapshot.get(write.only_with))


def _finds_it_elsewhere(decisive: PreparedWrite) -> bool:
    """An empty address is no address in use; a firmware has no old address to speak of."""
    return decisive.old == "" and decisive.via is not Way.FIRMWARE


def unfit(profile: Profile, backend: Backend, identity: str) -> str:
    """Why an address can never be written to a station of this family, whatever it holds; empty where it can.

    What ``prepare`` would refuse one station at a time in the night is known
    when the plan is made.
    """
    names = _with_nothing_of_the_station(_named(profile, backend, identity))
    for write in profile.writes:
        length = len(_value(write, names))
        if length > profile.max_value_length:
            return f"{write.key} would hold {length} characters, {profile.name} allows {profile.max_value_length}"
        address = Template((write.fields or {}).get("ocppCsmsUrl", "")).substitute(names)
        most = LONGEST_CSMS_URL_21 if profile.selector.ocpp_versions == ("2.1",) else LONGEST_CSMS_URL
        if len(address) > most:
            return f"a network profile would hold an address of {len(address)} characters, this version of OCPP allows {most}"
    return ""


LONGEST_CSMS_URL, LONGEST_CSMS_URL_21 = 512, 2000
"""Of a network profile: NetworkConnectionProfileType in the schemas of OCPP 2.0.1 and 2.1."""


def visit_steps(profile: Profile, backend: Backend, identity: str) -> tuple[str, ...]:
    """What the crew does at one station, with the address and identity to enter written out."""
    shown = identity if identity.isprintable() else repr(identity)
    names = _named(profile, backend, shown)
    return tuple(Template(step).safe_substitute(names) for step in profile.visit)


def _filled(profile: Profile, write: Write, names: dict[str, str], snapshot: Mapping[str, str | None]) -> PreparedWrite:
    key = _known_key(profile, write, names, snapshot)
    value = _value(write, names)
    if write.via is Way.FIRMWARE and not snapshot.get(key):
        raise Mismatch(
            f"{names['identity']} has said in no boot which firmware it runs.",
            identity=names["identity"],
            hint="Have it restart once behind the source's relay, then plan it again.",
        )
    if write.within:
        value = _replaced(key, write.within, value, snapshot[key], identity=names["identity"])
    if len(value) > profile.max_value_length:
        raise ProfileProblem(
            f"The value for {key} is {len(value)} characters, {profile.name} allows {profile.max_value_length}.",
            hint="Shorten the target URL.",
        )
    if write.readback is Readback.EXACT and is_mask(snapshot.get(key)):
        raise Mismatch(
            f"{names['identity']} hides the value of {key}: what it holds could be neither proven nor put back.",
            identity=names["identity"],
            hint="Move it by a visit, or by a profile of its own whose read-back is declared masked.",
        )
    if write.keeps_form:
        _judge_form(profile, key, value, snapshot.get(key), names["identity"])
    old = snapshot.get(key) if write.readback is Readback.EXACT else None  # a mask is no value to put back
    return PreparedWrite(
        key=key,
        new=value,
        old=old,
        readback=write.readback,
        via=write.via,
        stays=write.is_left,
        secret=write.secret,
        encoding=write.encoding,
    )


def _value(write: Write, names: dict[str, str]) -> str:
    """What is written: a secret by its name only, an object as JSON, anything else as the template says."""
    if write.secret and write.fields is None:
        return stand_in(write.secret)
    if write.fields is not None:
        names = names | {"secret": stand_in(write.secret)}
        filled = {name: _scalar(Template(text).substitute(names)) for name, text in write.fields.items()}
        return json.dumps({name: value for name, value in filled.items() if value != ""}, ensure_ascii=False)
    value_names = names | {name: names.get(f"{name}_name", "") for name in ("free_slot", "active_slot")}
    return Template(write.value).substitute(value_names)


def _scalar(text: str) -> str | int:
    return int(text) if re.fullmatch(r"0|[1-9]\d{0,5}", text, re.ASCII) else text


def _judge_form(profile: Profile, key: str, value: str, held_now: str | None, identity: str) -> None:
    """A base address where the station wants its identity in it, or the reverse, strands it: nobody dials what is left."""
    if held_now and ends_with(held_now, identity) is not ends_with(value, identity):
        has = "holds its identity" if ends_with(held_now, identity) else "does not hold its identity"
        raise Mismatch(
            f"{identity} {has} at the end of {key}, and profile {profile.name} expects otherwise.",
            identity=identity,
            hint="Its firmware or build differs; read the key on the station before planning it again.",
        )


def ends_with(address: str, identity: str) -> bool:
    """Whether the last segment of an address is this identity, percent-encoded or not.

    >>> ends_with("wss://csms.example/ocpp/AC%201", "AC 1"), ends_with("wss://csms.example/ocpp/", "AC 1")
    (True, False)
    """
    return unquote(address.rstrip("/").rpartition("/")[2]).casefold() == identity.casefold()


def _known_key(profile: Profile, write: Write, names: Mapping[str, str], snapshot: Mapping[str, str | None]) -> str:
    candidates = [Template(name).substitute(names) for name in write.names]
    if write.readback is Readback.MASKED and len(candidates) == 1:
        return candidates[0]  # a key that shows nothing may not even be listed
    known = [key for key in candidates if key in snapshot]
    if len(known) != 1:
        said = "does not know the key" if not known else "knows more than one of"
        raise Mismatch(
            f"{names['identity']} {said} {' or '.join(candidates)} of profile {profile.name}.",
            identity=names["identity"],
            hint="Its firmware or build is not the profile's: `migrate station` shows what it answered.",
        )
    return known[0]


def _replaced(key: str, within: str, value: str, held_now: str | None, *, identity: str) -> str:
    """A packed value with one of its fields replaced, everything else as the station holds it."""
    pattern = rf"(?<!\w){re.escape(within)}{{[^{{}}]*}}"
    packed, fields = re.subn(pattern, lambda _: f"{within}{{{value}}}", held_now or "")
    if fields != 1 or "{" in value or "}" in value:
        raise Mismatch(
            f"{identity} holds {key} in a form in which {within}{{…}} cannot be replaced.",
            identity=identity,
            hint="Read the key on the station and compare it with the profile.",
        )
    return packed


def _names(profile: Profile, goal: Goal, snapshot: Mapping[str, str | None]) -> dict[str, str]:
    active, free = slots_of(profile, goal.identity, snapshot)
    called = profile.slots.name_of if profile.slots else str
    return {
        **_named(profile, goal.backend, goal.identity),
        "free_slot": free,
        "active_slot": active,
        "free_slot_name": called(free) if free else "",
        "active_slot_name": called(active) if active else "",
        "security_profile": _security_profile(goal, snapshot),
        "apn": goal.apn,
        "root": goal.root,
    }


def _security_profile(goal: Goal, snapshot: Mapping[str, str | None]) -> str:
    """The one in use: by the station's word, else by the inventory's.  What is none of the four is put into no value."""
    said = next(filter(None, (snapshot.get(key) for key in SECURITY_PROFILE_KEYS)), None)
    if said is not None and said.strip() not in SECURITY_PROFILES:
        raise Mismatch(
            f"{goal.identity} says that its security profile is {said!r:.60}, which is none.",
            identity=goal.identity,
            hint="Look at the station before it is planned again.",
        )
    return said.strip() if said is not None else str(goal.security_profile or 0)


def _with_nothing_of_the_station(named: Mapping[str, str]) -> dict[str, str]:
    unseen = ("free_slot", "active_slot", "security_profile", "apn", "root")
    return {**named, **dict.fromkeys(unseen, "")}


def _named(profile: Profile, backend: Backend, identity: str) -> dict[str, str]:
    return {
        "url": backend.url(profile.slash),
        "full_url": backend.url_of(identity),
        "origin": backend.origin,
        "scheme": backend.scheme,
        "host": backend.host,
        "port": str(backend.effective_port),
        "path": backend.path_with(profile.slash),
        "tls": "true" if backend.is_tls else "false",
        "identity": identity,
    }
