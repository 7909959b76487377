"""Which profile fits a station, and why the others do not.

The most specific profile wins; two that are equally specific are no answer,
because the wrong one can strand a station.  A station that nothing fits is
worked by hand.  This module compares strings and versions; it asks no station
and opens no file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

import msgspec

from migrate.domain.profile import Profile
from migrate.domain.version import FirmwareRange, is_readable_version

MAX_TEXT = 200  # what a station reports of itself; OCPP allows 50 and stations send more

Specificity = tuple[tuple[int, int], tuple[int, int], int, int]
"""Compared in this order: model glob, vendor glob, bounds of the firmware range, OCPP version named.

A glob without wildcards beats one with, then more literal characters beat fewer.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether one profile fits one kind of station; ``misses`` says in words why not."""

    profile: str
    misses: tuple[str, ...] = ()
    is_near: bool = False  # the vendor fits: worth showing to whoever asks why

    @property
    def fits(self) -> bool:
        return not self.misses

    def __str__(self) -> str:
        return f"{self.profile}: " + ("fits" if self.fits else "; ".join(self.misses))


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The profile of one kind of station or ``None``, the sentence that says why, and a verdict on every profile."""

    profile: Profile | None
    why: str
    reasons: tuple[Verdict, ...] = field(default=(), repr=False)

    @property
    def near(self) -> tuple[Verdict, ...]:
        """The verdicts on profiles of this vendor."""
        return tuple(verdict for verdict in self.reasons if verdict.is_near)


class Catalogue:
    """All profiles of a campaign, by name, in a fixed order.

    ``scripts`` are the SHA-256 digests of the files that its profiles have
    copied to stations.
    """

    def __init__(self, profiles: Iterable[Profile], scripts: Mapping[str, str] | None = None) -> None:
        self._scripts = dict(scripts or {})
        self.profiles = tuple(sorted(profiles, key=lambda profile: profile.name))
        self._by_name = {profile.name: profile for profile in self.profiles}
        # A fleet has a few dozen kinds and many thousand stations.
        self._decided = lru_cache(maxsize=4096)(self._decide)

    def __len__(self) -> int:
        return len(self.profiles)

    def get(self, name: str) -> Profile | None:
        return self._by_name.get(name)

    def match(self, vendor: str, model: str, firmware: str, ocpp_version: str = "1.6") -> Match:
        """The profile for a kind of station.  Never raises: what makes no sense fits nothing."""
        kind = (vendor.strip(), model.strip(), firmware.strip(), spoken_version(ocpp_version))
        if any(len(part) > MAX_TEXT for part in kind):
            return Match(profile=None, why=f"What the station says of itself is longer than {MAX_TEXT} characters.")
        return self._decided(*kind)

    def digest(self) -> str:
        """What a plan's fingerprint holds of the whole catalogue: another profile or script, another digest."""
        lines = [f"{p.name} {digest(p)}" for p in self.profiles]
        lines += [f"script {name} {held}" for name, held in sorted(self._scripts.items())]
        return sha256("\n".join(lines).encode()).hexdigest()

    def _decide(self, vendor: str, model: str, firmware: str, ocpp_version: str) -> Match:
        verdicts = tuple(judge(p, vendor, model, firmware, ocpp_version) for p in self.profiles)
        fitting = [p for p, verdict in zip(self.profiles, verdicts, strict=True) if verdict.fits]
        if not fitting:
            return Match(profile=None, why=_why_none(vendor, verdicts), reasons=verdicts)
        ranked = sorted(fitting, key=lambda p: specificity(p, vendor, model), reverse=True)
        best = specificity(ranked[0], vendor, model)
        equals = [p.name for p in ranked if specificity(p, vendor, model) == best]
        if len(equals) > 1:
            why = f"Ambiguous: {' and '.join(equals)} fit equally well. Narrow one of them; none is chosen by chance."
            return Match(profile=None, why=why, reasons=verdicts)
        beaten = f", more closely than {', '.join(p.name for p in ranked[1:])}" if ranked[1:] else ""
        return Match(profile=ranked[0], why=f"{ranked[0].name} fits{beaten}.", reasons=verdicts)


def digest(profile: Profile) -> str:
    """A profile's content as a hash that changes with any part of it."""
    plain = msgspec.to_builtins(profile, str_keys=True)
    return sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()


def spoken_version(text: str) -> str:
    """An OCPP version as profiles write it.

    >>> spoken_version("OCPP1.6J"), spoken_version("ocpp2.0.1")
    ('1.6', '2.0.1')
    """
    return text.strip().lower().removeprefix("ocpp").strip(" -_").removesuffix("j").removesuffix("-").strip()


def judge(profile: Profile, vendor: str, model: str, firmware: str, ocpp_version: str) -> Verdict:
    """One profile against one kind of station: every reason against it, not only the first."""
    selector = profile.selector
    vendor_fits = any(glob_holds(glob, vendor) for glob in selector.vendors)
    misses = [] if vendor_fits else [_miss("vendor", vendor, selector.vendors)]
    if not any(glob_holds(glob, model) for glob in selector.models):
        misses.append(_miss("model", model, selector.models))
    if not selector.firmware.holds(firmware):
        misses.append(_firmware_miss(firmware, selector.firmware))
    if "*" not in selector.ocpp_versions and ocpp_version not in selector.ocpp_versions:
        misses.append(_miss("OCPP version", ocpp_version, selector.ocpp_versions))
    return Verdict(profile=profile.name, misses=tuple(misses), is_near=vendor_fits)


def specificity(profile: Profile, vendor: str, model: str) -> Specificity:
    """How closely a fitting profile describes this kind; see ``Specificity`` for the order."""
    selector = profile.selector
    return (
        max(_closeness(glob) for glob in selector.models if glob_holds(glob, model)),
        max(_closeness(glob) for glob in selector.vendors if glob_holds(glob, vendor)),
        bool(selector.firmware.at_least) + bool(selector.firmware.below),
        int("*" not in selector.ocpp_versions),
    )


def glob_holds(glob: str, text: str) -> bool:
    """Whether a glob describes a text, whatever the case; ``*`` and ``?`` are the only wildcards.

    >>> glob_holds("keba*", "Keba AG"), glob_holds("G[R]S", "GRS")
    (True, False)
    """
    return _compiled(glob).fullmatch(text.casefold()) is not None


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(c) or re.escape(c) for c in glob.strip().casefold()), re.DOTALL)


def _closeness(glob: str) -> tuple[int, int]:
    literal = sum(character not in "*?" for character in glob)
    return int(literal == len(glob)), literal


def _miss(what: str, value: str, wanted: tuple[str, ...]) -> str:
    return f"{what} {value!r} is not {' or '.join(wanted)}" if value else f"the {what} is unknown"


def _firmware_miss(firmware: str, wanted: FirmwareRange) -> str:
    if not firmware:
        return f"the firmware is unknown, it must be {wanted}"
    if not is_readable_version(firmware):
        return f"firmware {firmware!r} cannot be read as one version, it must be {wanted}"
    return f"firmware {firmware!r} is not {wanted}"


def _why_none(vendor: str, verdicts: tuple[Verdict, ...]) -> str:
    near = [verdict for verdict in verdicts if verdict.is_near]
    if not vendor:
        return "The vendor is unknown."
    if not near:
        return f"No profile is for vendor {vendor!r}."
    return "No profile fits. " + ". ".join(str(verdict) for verdict in near) + "."
