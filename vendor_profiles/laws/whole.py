"""Laws over a profile as a whole: its name, whom it is for, what it promises, and what it proves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrate.domain.profile import Method, Profile, Proof, Restart, Rollback, TurningPoint
from migrate.domain.version import is_readable_version, version_key
from vendor_profiles.laws.breach import Breach

_OCPP_VERSIONS = frozenset({"1.5", "1.6", "2.0.1", "2.1", "*"})
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def _has_a_usable_name(profile: Profile) -> Iterator[Breach]:
    if not _NAME.fullmatch(profile.name) or len(profile.name) > 60:
        yield Breach("name", f"The name {profile.name!r} cannot stand in commands.", "Use a-z, digits and _.")


def _selects_with_care(profile: Profile) -> Iterator[Breach]:
    selector = profile.selector
    for i, glob in enumerate(selector.vendors):
        if not glob.replace("*", "").replace("?", "").strip():
            yield Breach(f"selector.vendors[{i}]", f"{glob!r} fits every vendor.", "Name the vendor.")
    for what, globs in (("vendors", selector.vendors), ("models", selector.models)):
        if not globs:
            yield Breach(f"selector.{what}", f"No {what} are named.", "Leave the key out, or name some.")
        for i, glob in enumerate(globs):
            if len(glob) > 100 or glob.count("*") > 3:
                yield Breach(f"selector.{what}[{i}]", "A glob has at most 100 characters and 3 asterisks.")
    for i, version in enumerate(selector.ocpp_versions):
        if version not in _OCPP_VERSIONS:
            yield Breach(f"selector.ocpp_versions[{i}]", f"{version!r} is no OCPP version.", 'Write "1.6" or "*".')


def _bounds_are_versions(profile: Profile) -> Iterator[Breach]:
    at_least, below = profile.selector.firmware.at_least, profile.selector.firmware.below
    for name, bound in (("at_least", at_least), ("below", below)):
        if bound and not is_readable_version(bound):
            yield Breach(f"selector.firmware.{name}", f"{bound!r} is no version that can be compared.")
    if at_least and below and version_key(at_least) >= version_key(below):
        yield Breach("selector.firmware", f"No version is {profile.selector.firmware}.", "Swap the bounds.")


def _a_visit_is_a_visit(profile: Profile) -> Iterator[Breach]:
    if profile.method is not Method.VISIT:
        return
    if profile.writes or profile.slots or profile.http or profile.script or profile.firmware:
        yield Breach("writes", "A visit writes nothing from afar.", "Move what the crew enters into visit.")
    if not profile.visit:
        yield Breach("visit", "A visit without steps leaves the crew guessing.", "Say what the crew does.")
    if not profile.rollback.is_one_way:
        yield Breach("rollback", f"A visit is not undone by {profile.rollback}.", "Use visit or impossible.")
    if profile.turning_point is not TurningPoint.VISIT:
        yield Breach("turning_point", "The turning point of a visit is the visit.")


def _turning_point_fits(profile: Profile) -> Iterator[Breach]:
    if profile.method is Method.VISIT:
        return
    at_once = profile.restart is Restart.NONE
    if profile.turning_point is TurningPoint.VISIT:
        yield Breach("turning_point", "Nobody visits this station: say write or restart.")
    if at_once and profile.turning_point is TurningPoint.RESTART:
        yield Breach("turning_point", "Without a restart the write itself is the turning point.")
    if profile.rollback is Rollback.BEFORE_RESTART and profile.turning_point is not TurningPoint.RESTART:
        yield Breach("rollback", "before_restart needs a restart as the turning point.")


def _rollback_is_kept(profile: Profile) -> Iterator[Breach]:
    if profile.rollback is Rollback.AUTOMATIC and not profile.quirks.falls_back:
        yield Breach("rollback", "automatic promises a return that nothing keeps.", "Set quirks.falls_back, or remote.")
    if profile.method is not Method.VISIT and profile.rollback.is_one_way and not profile.notes:
        yield Breach("rollback", f"{profile.rollback} is one-way: a note says why.", "Add it to notes.")


def _is_proven_as_it_says(profile: Profile) -> Iterator[Breach]:
    if profile.proof is Proof.DOCUMENTED and not profile.sources:
        yield Breach("sources", "documented means that a source can be named.", "Name it.")
    if profile.proof is not Proof.DOCUMENTED and not profile.evidence:
        yield Breach("proof.evidence", f"{profile.proof} is earned by evidence.", "Name the transcript or report.")


LAWS = (
    _has_a_usable_name,
    _selects_with_care,
    _bounds_are_versions,
    _a_visit_is_a_visit,
    _turning_point_fits,
    _rollback_is_kept,
    _is_proven_as_it_says,
)
