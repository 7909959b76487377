"""The outlook before a wave: what was looked at, judged.

Findings of four severities come out.  One that *stops* lets nobody be touched;
one that *excludes* leaves its stations out, outside the gate, until it is
mended; warnings and notes are for whoever approves.  A person may accept a
finding by its code with a reason: then it warns and no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

from batches.findings import Finding, Severity, by_gravity
from batches.outlook_backends import backends
from batches.outlook_stations import stations
from batches.outlook_ways import ways
from batches.prospects import Facts

AWAY = frozenset({"source-away", "target-away"})
"""Findings that only time or somebody else's work mends: a backend that is not there."""

BLOCKING = frozenset(
    {
        *("disk", "port-taken", "source-away", "target-away", "clock", "handshake", "subprotocol"),
        *("chain-incomplete", "root-unknown", "root-other", "root-new"),
        *(
            "certificate-name",
            "certificate-dates",
            "certificate-key",
            "certificate-hash",
            "tls-version",
            "tls-ecdsa-only",
        ),
        *("identity-long", "identity-colon", "identity-twice", "identity-unknown", "address-too-long", "dialect"),
        *("transaction-numbers", "secret-missing", "password", "way-lacking", "not-as-planned"),
        *("ssh-unreached", "http-unreached", "firmware-slow"),
    }
)
"""Findings that stop or exclude, so that a person may want to accept one.  That nobody is left is not accepted."""

_BLOCKS = (Severity.STOP, Severity.EXCLUDE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is ahead of the stations that were looked at."""

    findings: tuple[Finding, ...] = ()

    @property
    def stops(self) -> tuple[Finding, ...]:
        return tuple(found for found in self.findings if found.severity is Severity.STOP)

    @property
    def is_away(self) -> bool:
        """Whether nothing but an absent backend stops it: waiting may help."""
        return bool(self.stops) and all(found.code in AWAY for found in self.stops)

    @property
    def is_sound(self) -> bool:
        """Whether nobody is stopped and nobody left out."""
        return not any(found.severity in _BLOCKS for found in self.findings)

    @property
    def excluded(self) -> dict[str, str]:
        """Who is left out, and why: the first ground of each."""
        grounds: dict[str, str] = {}
        for found in self.findings:
            for identity in found.identities if found.severity is Severity.EXCLUDE else ():
                grounds.setdefault(identity, ground_of(found))
        return grounds


def outlook(facts: Facts, accepted: Mapping[str, str] | None = None) -> Outlook:
    """Judge what was looked at.

    A wave of which nobody was begun and every remote station is left out would
    prove nothing and pass its gate with 0 of 0, so it stops.
    """
    found = [_as_accepted(one, accepted or {}) for one in chain(backends(facts), stations(facts), ways(facts))]
    excluded = Outlook(findings=tuple(found)).excluded
    remote = [p.identity for p in facts.prospects if p.is_remote]
    if remote and not facts.begun and all(identity in excluded for identity in remote):
        found.append(
            Finding(
                code="nobody-left",
                severity=Severity.STOP,
                text="nobody who was to be moved without a crew is left: nothing would be proven",
                count=len(remote),
                identities=tuple(remote),
                hint="Mend what excludes them.",
            )
        )
    return Outlook(findings=by_gravity(dict.fromkeys(found)))  # an address may be looked at twice


def ground_of(found: Finding) -> str:
    """A finding as the reason for which a station waits, without its count."""
    words = found.text.split(" ", 2)
    is_counted = words[0].isdigit() and words[1:2] in (["station"], ["stations"])
    return f"check {found.code}: {words[2] if is_counted else found.text}"


def _as_accepted(found: Finding, accepted: Mapping[str, str]) -> Finding:
    reason = accepted.get(found.code)
    if reason is None or found.severity not in _BLOCKS:
        return found
    return replace(found, severity=Severity.WARNING, text=f"{found.text} (accepted: {reason})")
