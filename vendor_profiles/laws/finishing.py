"""Laws over the steps after the move: one-way ones say so, and secrets go by name."""

from __future__ import annotations

from collections.abc import Iterator

from migrate.domain.profile import Method, Profile
from migrate.domain.ways import Finish, Way
from vendor_profiles.laws.breach import Breach, all_writes, is_secret, is_security


def _finish_goes_through_the_target(profile: Profile) -> Iterator[Breach]:
    if profile.method is Method.VISIT and profile.finish:
        yield Breach("finish", "After a visit nothing is written from afar.", "Move it into visit.")
    for at, write in all_writes(profile):
        if not at.startswith("finish."):
            continue
        if write.via is Way.FIRMWARE:
            yield Breach(f"{at}.via", "A firmware is part of the move.", "Move it into writes.")
        if write.key not in ("${free_slot}", "${active_slot}") and "$" in write.key:
            yield Breach(f"{at}.key", "Only a slot may stand for a key.")


def _a_raise_is_declared_one_way(profile: Profile) -> Iterator[Breach]:
    """Nobody takes a station down to a lower security profile again (OCPP 1.6 security whitepaper, A05)."""
    writes = profile.finish.get(Finish.RAISE_SECURITY, ())
    if writes and not any(is_security(name) for w in writes for name in (*w.names, *(w.fields or {}))):
        yield Breach("finish.raise_security", "No write raises the security profile.", "Write SecurityProfile last.")
    if writes and not any("one-way" in note for note in profile.notes):
        yield Breach("finish.raise_security", "A raise is one-way: a note says so.", "Add it to notes.")
    for at, write in all_writes(profile):
        is_raise = at.startswith(f"finish.{Finish.RAISE_SECURITY}")
        if at.startswith("finish.") and not is_raise and any(is_security(name) for name in write.names):
            yield Breach(f"{at}.key", "This raises the security profile.", "Move it to raise_security.")


def _secrets_go_by_name(profile: Profile) -> Iterator[Breach]:
    for at, write in all_writes(profile):
        if not at.startswith("finish."):
            continue
        holds = [name for name in write.names if is_secret(name)]
        if holds and not write.secret:
            yield Breach(f"{at}.key", f"{holds[0]} holds a secret: it is named, never given.", "Write secret: NAME.")
        for name, text in (write.fields or {}).items():
            if is_secret(name) and text != "${secret}":
                yield Breach(
                    f"{at}.fields.{name}", f"{name} holds a secret: it is named, never given.", "Write ${secret}."
                )
    for i, write in enumerate(profile.finish.get(Finish.PASSWORD, ())):
        if not write.secret:
            yield Breach(f"finish.password[{i}]", "A new password comes from the vault.", "Write secret: NAME.")


LAWS = (_finish_goes_through_the_target, _a_raise_is_declared_one_way, _secrets_go_by_name)
