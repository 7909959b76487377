"""Whether the target will take these stations under the names they come with.

What a list can tell of a station is judged at import; here is what only the
move makes wrong: two that become one on the target, a name that it does not
know, a colon before a password, numbers of transactions that meet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from batches.findings import Finding, Severity
from batches.prospects import Facts, Prospect, about
from migrate.domain.evidence import Side
from migrate.domain.filling import unfit
from migrate.domain.identity import ENCODED, LONGEST
from migrate.domain.station import Lifecycle
from migrate.domain.survey import Knock, Knocked

WITH_PASSWORD = (1, 2)  # the security profiles that sign in with a name and a password (RFC 7617: no colon in the name)
LONG_AGO = timedelta(days=30)


def stations(facts: Facts) -> Iterator[Finding]:
    """What is wrong with stations, by what is known without asking them."""
    yield from _spelling(facts)
    yield from _twice(facts)
    yield from _unlisted(facts)
    yield from _knocked(facts)
    yield from _serials(facts)
    yield from _addresses(facts)
    yield from _dialects(facts)
    yield from _long_gone(facts)
    yield from _transactions(facts)


def _spelling(facts: Facts) -> Iterator[Finding]:
    longest = min(facts.longest_identity, LONGEST)
    if long := [p for p in facts.prospects if len(p.new_name) > longest]:
        text = f"{{n}} have an identity of more than {longest} characters, which the target does not take"
        yield about("identity-long", Severity.EXCLUDE, text, long, hint="Give them a shorter target_identity.")
    if colons := [p for p in facts.prospects if ":" in p.new_name and p.station.security_profile in WITH_PASSWORD]:
        text = "{n} sign in with a password and have a colon in their identity: the name would end there"
        yield about("identity-colon", Severity.EXCLUDE, text, colons, hint="Give them a target_identity without one.")
    if odd := [p for p in facts.prospects if not _is_plain(p.new_name)]:
        text = "{n} have an identity that a URL holds only percent-encoded, and not every station and CSMS does so"
        yield about(
            "identity-encoded", Severity.WARNING, text, odd, hint="Try one of each family first, or rename them."
        )


def _is_plain(identity: str) -> bool:
    return not set(identity) & set(ENCODED) and all("!" <= c <= "~" for c in identity)


def _twice(facts: Facts) -> Iterator[Finding]:
    """Over the whole inventory: a station of a later wave may hold the name already."""
    names: dict[str, list[str]] = defaultdict(list)
    for station in facts.everyone:
        if station.lifecycle.is_plannable:
            names[station.identity_on(Side.TARGET).casefold()].append(station.identity_on(Side.TARGET))
    same = [p for p in facts.prospects if names[p.new_name.casefold()].count(p.new_name) > 1]
    if same:
        text = "{n} would have the same identity on the target as another station"
        yield about("identity-twice", Severity.EXCLUDE, text, same, hint="Mend their target_identity.")
    alike = [p for p in facts.prospects if p not in same and len(names[p.new_name.casefold()]) > 1]
    if alike:
        text = "{n} differ from another station's identity by capitals alone, which some backends take for one"
        yield about("identity-case", Severity.WARNING, text, alike, hint="See how the target compares identities.")


def _unlisted(facts: Facts) -> Iterator[Finding]:
    if facts.known is None:
        return
    folded = {name.casefold(): name for name in facts.known}
    unknown = [p for p in facts.prospects if p.new_name not in facts.known]
    if spelt := [p for p in unknown if p.new_name.casefold() in folded]:
        text = f"{{n}} are in {facts.known_from} with other capitals: many backends take that for another station"
        yield about("identity-unknown", Severity.EXCLUDE, text, spelt, hint="Register them exactly as they dial.")
    if absent := [p for p in unknown if p.new_name.casefold() not in folded]:
        text = f"{{n}} are not in {facts.known_from}: the target does not know them"
        yield about(
            "identity-unknown", Severity.EXCLUDE, text, absent, hint="Register them on the target, and list them."
        )


def _knocked(facts: Facts) -> Iterator[Finding]:
    def who(*found: Knocked) -> list[tuple[Prospect, Knock]]:
        pairs = ((p, facts.knocks[p.identity]) for p in facts.prospects if p.identity in facts.knocks)
        return [(p, knock) for p, knock in pairs if knock.found in found]

    if unknown := who(Knocked.UNKNOWN):
        codes = ", ".join(sorted({str(knock.status) for _, knock in unknown}))
        text = f"{{n}} are refused at the target's door ({codes}): it does not know them"
        yield about(
            "identity-unknown", Severity.EXCLUDE, text, [p for p, _ in unknown], hint="Register them on the target."
        )
    if mute := who(Knocked.NO_DIALECT):
        text = "{n} speak an OCPP version that the target does not take from them"
        yield about("subprotocol", Severity.EXCLUDE, text, [p for p, _ in mute], hint="Enable it on the target.")
    if bare := [p for p, _ in who(Knocked.CREDENTIALS) if p.station.security_profile == 0]:
        text = "{n} have no password, and the target asks for one"
        yield about("password", Severity.EXCLUDE, text, bare, hint="Give them one first, or let the target take them.")
    if silent := who(Knocked.SILENT):
        text = "{n} got no answer at the target's door"
        yield about(
            "knock-unanswered", Severity.WARNING, text, [p for p, _ in silent], hint="Knock again, more slowly."
        )


def _serials(facts: Facts) -> Iterator[Finding]:
    holders: dict[tuple[str, str], int] = defaultdict(int)
    for station in facts.everyone:
        holders[_device(station.vendor, station.serial)] += 1
    shared = [
        p for p in facts.prospects if p.station.serial and holders[_device(p.station.vendor, p.station.serial)] > 1
    ]
    if shared:
        text = (
            "{n} share a serial number with another station: one of the two rows is wrong, and no arrival proves which"
        )
        yield about("serial-twice", Severity.WARNING, text, shared, hint="Compare both with their labels.")


def _device(vendor: str, serial: str) -> tuple[str, str]:
    return vendor.casefold(), serial


def _addresses(facts: Facts) -> Iterator[Finding]:
    """What a family's keys can hold of the address, identity for identity."""
    grounds: dict[str, list[Prospect]] = defaultdict(list)
    for prospect in facts.prospects:
        profile = prospect.profile if prospect.is_remote else None
        if profile is not None and (why := unfit(profile, prospect.target, prospect.new_name)):
            grounds[why].append(prospect)
    for why, misfits in grounds.items():
        hint = "Shorten the address or the identity."
        yield about(
            "address-too-long", Severity.EXCLUDE, f"{{n}} cannot hold their new address: {why}", misfits, hint=hint
        )


def _dialects(facts: Facts) -> Iterator[Finding]:
    def speaks_otherwise(prospect: Prospect) -> bool:
        spoken = facts.dialects.get(prospect.identity, "").removeprefix("ocpp")
        fitting = prospect.profile.selector.ocpp_versions if prospect.profile else ("*",)
        return bool(spoken) and "*" not in fitting and spoken not in fitting

    if others := [p for p in facts.prospects if p.is_remote and speaks_otherwise(p)]:
        spoken = ", ".join(sorted({facts.dialects[p.identity] for p in others}))
        text = f"{{n}} speak {spoken} on the source, which their profile is not for"
        yield about(
            "dialect", Severity.EXCLUDE, text, others, hint="Mend ocpp_version in the inventory and plan again."
        )


def _long_gone(facts: Facts) -> Iterator[Finding]:
    def is_gone(prospect: Prospect) -> bool:
        seen_at = _moment(prospect.station.last_seen_at)
        return prospect.station.lifecycle is Lifecycle.OFFLINE or (
            seen_at is not None and facts.at - seen_at > LONG_AGO
        )

    if gone := [p for p in facts.prospects if p.is_remote and is_gone(p)]:
        text = f"{{n}} are offline by the inventory, or were last seen more than {LONG_AGO.days} days ago"
        yield about("offline-long", Severity.WARNING, text, gone, hint="Send somebody, or expect them to be put off.")


def _moment(text: str) -> datetime | None:
    """A moment or a day of the inventory, with or without a zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            found = datetime.combine(date.fromisoformat(text[:10]), datetime.min.time())
        except ValueError:
            return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _transactions(facts: Facts) -> Iterator[Finding]:
    """Both CSMSes count from 1: a stop that was queued for the source would end another driver's session on the target."""
    last, first = facts.last_on_source, facts.first_on_target
    if last is not None and first is not None and first <= last:
        yield Finding(
            code="transaction-numbers",
            severity=Severity.STOP,
            text=f"the target numbers transactions from {first} on, the source has given numbers up to {last}: "
            "stops that stations still hold would meet new transactions",
            hint="Set the target's sequence well above the source's last number.",
        )
