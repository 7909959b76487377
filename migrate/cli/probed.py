"""What a probe heard, as people and programs read it: text, JSON, and the file of the proposed profile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from migrate.domain.address import Backend
from migrate.domain.answered import Entry, Outage, Reported, Taken, Triggered
from migrate.domain.counted import counted
from migrate.domain.flavour import Flavour
from migrate.domain.observation import Observer
from migrate.domain.probe import STANDARD_KEYS, STANDARD_VARIABLES, Heard, Picture, Place, picture
from migrate.domain.profile import Profile
from migrate.domain.proposal import by_hand, proposed
from migrate.domain.ways import Way
from migrate.engine.observed import observe
from migrate.wiring import Wired
from reports.flavours import LAPSES, TRAITS, flavour_document
from reports.words import display
from vendor_profiles import Catalogue, Problem, read_profiles
from vendor_profiles.writer import profile_text


def names_asked_for(profiles: Sequence[Profile]) -> Callable[[str], Sequence[str]]:
    """Every key that a version of OCPP or a profile for it knows of: a station may have one that it does not list."""

    def names(protocol: str) -> Sequence[str]:
        is_two = protocol.startswith("ocpp2")
        fitting = [
            p for p in profiles if any(v == "*" or v.startswith("2") is is_two for v in p.selector.ocpp_versions)
        ]
        standard = STANDARD_VARIABLES if is_two else STANDARD_KEYS
        return tuple(dict.fromkeys((*standard, *sorted(key for p in fitting for key in _keys_of(p)))))

    return names


def _keys_of(profile: Profile) -> Iterator[str]:
    keys = [name for write in profile.writes if write.via is Way.OCPP for name in write.names]
    keys += [*profile.slots.keys, profile.slots.priority_key, profile.slots.active_key] if profile.slots else []
    return (key for key in keys if key and "$" not in key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """One probe's picture, what it speaks for, and what the wire has shown of the station's kind so far."""

    picture: Picture
    proposal: Profile | None
    fits: str  # which profile of the catalogue fits, and why
    flavour: Flavour | None
    catalogue: Catalogue

    @classmethod
    async def of(cls, wired: Wired, heard: Heard) -> Probed:
        source, facts = wired.settings.source.url, heard.facts
        observer = Observer()
        await observe(wired.journal, observer)
        kind = f"{facts.vendor}|{facts.model}|{facts.firmware}"
        seen = picture(heard, source, wired.catalogue.profiles)
        return cls(
            picture=seen,
            proposal=_proposal(seen, source),
            fits=wired.catalogue.match(facts.vendor, facts.model, facts.firmware, heard.protocol).why,
            flavour=next((flavour for flavour in observer.flavours() if flavour.kind == kind), None),
            catalogue=wired.catalogue,
        )

    def file_text(self) -> str:
        """The proposed profile as a file; empty where there is none."""
        return _text(self.proposal) if self.proposal else ""

    # ── for programs ───────────────────────────────────────────────────────

    def document(self, *, out: str | None) -> dict[str, Any]:
        seen, heard = self.picture, self.picture.heard
        return {
            "schema": "migrate.probe/1",
            "identity": heard.identity,
            "at": heard.at.isoformat(),
            "protocol": heard.protocol,
            "facts": asdict(heard.facts),
            "keys": [{"key": e.key, "value": e.value, "readonly": e.readonly} for e in seen.entries],
            "unknown": list(heard.unknown),
            "lists_all": heard.all_at_once.value,
            "max_keys": heard.max_keys,
            "report": _report_document(heard.report) if heard.report else None,
            "features": list(seen.features),
            "file_transfers": list(seen.transfers),
            "security_profile": seen.security_profile or None,
            "addresses": [_place_document(place) for place in seen.places],
            "identity_keys": list(seen.identity_keys),
            "slots": asdict(seen.slots) if seen.slots else None,
            "triggers": [asdict(one) for one in heard.triggers],
            "link_loss": asdict(heard.link_loss) if heard.link_loss else None,
            "restart": asdict(heard.restart) if heard.restart else None,
            "cut_short": heard.cut_short,
            "fits": self.fits,
            "profiles": [{**asdict(one), "whole": one.is_whole} for one in seen.follows],
            "flavour": flavour_document(self.flavour, None) if self.flavour else None,
            "proposal": {"name": self.proposal.name, "method": self.proposal.method.value, "file": self.file_text()}
            if self.proposal
            else None,
            "out": out,
        }

    # ── for people ─────────────────────────────────────────────────────────

    def lines(self) -> Iterator[str]:
        heard, facts = self.picture.heard, self.picture.heard.facts
        yield f"{display(heard.identity)}, {heard.protocol}: " + (display(_who(facts)) or "it never said who made it")
        yield from self._abilities()
        yield from _titled("address", (_place_line(place) for place in self.picture.places), none="in none of its keys")
        yield from _titled("identity", map(display, self.picture.identity_keys), none="in none of its keys")
        yield from _titled("triggers", map(_trigger_line, heard.triggers), none="not tried")
        yield from _titled("disturbed", _disturbances(heard), none="not: see --disturb")
        yield from self._profiles()
        yield from _titled("keys", map(_entry_line, self.picture.entries), none="none was shown")
        yield from self._seen_so_far()
        yield from self._proposed()

    def _abilities(self) -> Iterator[str]:
        seen, heard = self.picture, self.picture.heard
        page = "not known" if heard.max_keys is None else str(heard.max_keys)
        yield f"  {'takes':<10}{page} keys at a time; all of them at once: {heard.all_at_once.value}"
        if heard.report:
            yield f"  {'report':<10}{display(_report_line(heard.report))}"
        yield f"  {'features':<10}{display(', '.join(seen.features)) or 'not told'}"
        yield f"  {'files by':<10}{display(', '.join(seen.transfers)) or 'not told'}"
        yield f"  {'security':<10}profile {display(seen.security_profile) or 'not told'}"
        if seen.slots:
            yield f"  {'slots':<10}{display(', '.join(seen.slots.keys))}; their order: {display(seen.slots.priority_key)}"

    def _profiles(self) -> Iterator[str]:
        yield from _titled("fits", [display(self.fits)], none="")
        told = []
        for one in self.picture.follows:
            parts = [f"{', '.join(one.writable)} there"] if one.writable else []
            parts += [f"{', '.join(one.readonly)} read-only"] if one.readonly else []
            parts += [f"{', '.join(one.missing)} missing"] if one.missing else []
            told.append(f"{one.profile}: {display('; '.join(parts))}")
        yield from _titled("could", told, none="follow no profile that moves stations by OCPP keys")

    def _seen_so_far(self) -> Iterator[str]:
        """Its kind's row of the flavour table, over everything that this campaign's journal holds."""
        if self.flavour is None:
            return
        shown = [f"{title}: {self.flavour.trait(trait)}" for trait, (title, _) in TRAITS.items()]
        shown += [f"{title}: {self.flavour.lapse(lapse)}" for lapse, (title, _) in LAPSES.items()]
        yield from _titled("its kind", [line for line in shown if not line.endswith("unknown")], none="nothing yet")

    def _proposed(self) -> Iterator[str]:
        if self.proposal is None:
            return
        yield f"  {'proposal':<10}{self.proposal.name}, by {self.proposal.method.value}; --out FILE.yaml writes it"
        for note in self.proposal.notes:
            yield f"  {'':<10}{display(note)}"


def _proposal(seen: Picture, source: Backend) -> Profile | None:
    """What the answers speak for; a visit where the laws of profiles refuse that, as with a key that is a sentence."""
    proposal = proposed(seen, source)
    if proposal is None or not (problems := _problems(proposal)):
        return proposal
    visit = by_hand(seen, f"What was found cannot be written as a profile: {problems[0].message}")
    return None if _problems(visit) else visit


def _problems(proposal: Profile) -> tuple[Problem, ...]:
    return read_profiles(_text(proposal), file=proposal.name).problems


def _text(proposal: Profile) -> str:
    return profile_text(proposal, family=" ".join(proposal.selector.vendors))


def _who(facts: Any) -> str:
    named = (facts.vendor, facts.model, facts.firmware and f"firmware {facts.firmware}")
    return " ".join(part for part in named if part)


def _report_document(report: Reported) -> Mapping[str, Any]:
    return {
        "base": report.base,
        "taken": report.taken.value,
        "status": report.status or None,
        "whole": report.is_whole,
        "cut_off": report.is_cut_off,
        "parts": report.parts,
        "missing": list(report.missing),
        "variables": len(report.entries),
        "beside": report.beside,
    }


def _report_line(report: Reported) -> str:
    """What came of the device model; never *whole* where a part may be missing."""
    if report.taken is not Taken.ANSWERED:
        return f"{report.base}: {report.status or report.taken.value}" + (
            ", and nothing came" if report.status == "Accepted" else ""
        )
    if not report.parts:
        return f"{report.base}: {report.status}"
    said = f"{report.base}, {counted(len(report.entries), 'variable')} in {counted(report.parts, 'part')}"
    if report.is_whole:
        return said + (f"; {report.beside} more of its EVSEs" if report.beside else "")
    if report.is_cut_off:
        return said + "; it went on beyond what is read"
    lost = f"part {', '.join(map(str, report.missing))} never came" if report.missing else "its end never came"
    return f"{said}; {lost}"


def _place_document(place: Place) -> Mapping[str, Any]:
    spelt = place.spelt
    return {
        "key": place.key,
        "form": spelt.form.value,
        "slash": spelt.slash.value,
        "field": spelt.field or None,
        "exact": spelt.is_exact,
        "readonly": place.readonly,
    }


def _place_line(place: Place) -> str:
    within = f", its field {place.spelt.field}" if place.spelt.field else ""
    exact = "" if place.spelt.is_exact else ", spelt otherwise (case, default port)"
    return display(f"{place.key}{within} ({place.spelt.form.value}{exact}; {_may_write(place.readonly)})")


def _may_write(readonly: bool | None) -> str:
    return {True: "read-only", False: "writable by its own word", None: "not said whether writable"}[readonly]


def _entry_line(entry: Entry) -> str:
    value = "(not shown)" if entry.value is None else entry.value
    return display(f"{entry.key}{' (read-only)' if entry.readonly else ''} = {value}", limit=400)


def _trigger_line(one: Triggered) -> str:
    came = f"came after {one.after_s:.0f} s" if one.after_s is not None else "nothing came"
    return display(f"{one.message}: {one.status or one.taken.value}, {came}")


def _disturbances(heard: Heard) -> Iterator[str]:
    for name, outage in (("line cut", heard.link_loss), ("restarted", heard.restart)):
        if outage is not None:
            yield f"{name}: {_outage_line(outage)}"
    if heard.cut_short:
        yield display(f"not to the end: {heard.cut_short}")


def _outage_line(outage: Outage) -> str:
    if outage.drop_after_s is None:
        return f"{display(outage.status)}, and it did not leave"
    if outage.away_s is None:
        return "it did not come back while we looked"
    boots = "no boot" if outage.boot_after_s is None else f"booted {outage.boot_after_s:.0f} s later"
    return (
        f"gone after {outage.drop_after_s:.0f} s, back after {outage.away_s:.0f} s, {boots}, {outage.statuses} statuses"
    )


def _titled(title: str, lines: Iterable[str], *, none: str) -> Iterator[str]:
    at = -1
    for at, line in enumerate(lines):
        yield f"  {title if at == 0 else '':<10}{line}"
    if at < 0 and none:
        yield f"  {title:<10}{none}"
