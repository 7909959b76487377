"""Whether backends are there, and whether an old station would be content with what they show.

Sources of the limits: OCPP 2.0.1 part 2, A00 (TLS 1.2, suites, key sizes, the
FQDN in the CN); field reports collected for this project (missing
intermediates, wildcards, ECDSA only, wrong clocks).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

from batches.findings import Finding, Severity
from batches.prospects import Facts, Prospect, about
from migrate.domain.address import is_ip_address
from migrate.domain.survey import Certificate, Doorstep, HostSight, Knock, Knocked, TlsSight
from migrate.domain.ways import Way

LEAST_FREE_BYTES = 200_000_000
CLOCK_WARNS, CLOCK_STOPS = timedelta(seconds=30), timedelta(minutes=5)
SOON = timedelta(days=7)
LEAST_BITS = {"RSA": 2048, "EC": 224}  # A00.FR.318, 319
OLD_HASHES = ("md5", "sha1")


def backends(facts: Facts) -> Iterator[Finding]:
    """What is wrong with backends and with this host.

    A handshake that got no answer is told only where nothing else says why.
    """
    found = [*_at_the_doors(facts), *_clocks(facts)]
    yield from found
    is_explained = any(one.severity is Severity.STOP for one in found)
    yield from _handshakes([k for k in facts.test_knock if not (is_explained and k.found is Knocked.SILENT)])


def _at_the_doors(facts: Facts) -> Iterator[Finding]:
    if facts.host is not None:
        yield from _host(facts.host)
    for side, door in facts.upstreams.items():
        yield from _away(f"{side.value}-away", f"the {side.value} CSMS", door)
        if door.tls is not None:
            yield from _of_each_chain(door.tls, partial(_behind, door, facts))
    for door in facts.targets:
        yield from _unseen(door) if door.is_ours else _away("target-away", "the target's address", door)
        if door.tls is not None:
            yield from _shown(door, door.tls, facts)


def _host(host: HostSight) -> Iterator[Finding]:
    if host.free_bytes < LEAST_FREE_BYTES:
        text = (
            f"{host.free_bytes // 1_000_000} MB are free beside the journal, {LEAST_FREE_BYTES // 1_000_000} are wanted"
        )
        yield _stop("disk", text, "Make room: what cannot be recorded is not done.")
    for key, said in host.stale_lists.items():
        yield _warning(
            "revocations-stale",
            f"{key}: {said}; it goes on counting, and whoever was revoked since gets in",
            "Put its issuer's newest list there, then SIGHUP to `migrate listen`.",
        )
    for key, why in host.taken.items():
        text = f"{key} cannot be listened on: {why}"
        yield _stop("port-taken", text, "End who holds it, or give another address in campaign.toml.")


def _away(code: str, what: str, door: Doorstep) -> Iterator[Finding]:
    if door.failure:
        yield _stop(code, f"{what} {door.backend} is not reached: {door.failure}", "Mend the address or the way to it.")
    elif door.status >= 500:
        text = f"{what} {door.backend} answers {door.status}: nobody is behind it"
        yield _stop(code, text, "See that the CSMS is up; no station is sent there before.")


def _unseen(door: Doorstep) -> Iterator[Finding]:
    """It may lead to the relay, which is not up; or be misspelt."""
    yield Finding(
        code="target-unseen",
        severity=Severity.NOTE,
        text=f"{door.backend} is not reached while no relay of this campaign is up: {door.failure}",
        hint="Start `migrate listen` and check again.",
    )


def _clocks(facts: Facts) -> Iterator[Finding]:
    for door in (*facts.upstreams.values(), *facts.targets):
        if door.ahead is None or abs(door.ahead) <= CLOCK_WARNS:
            continue
        way = "ahead of" if door.ahead > timedelta(0) else "behind"
        yield Finding(
            code="clock",
            severity=Severity.STOP if abs(door.ahead) > CLOCK_STOPS else Severity.WARNING,
            text=f"the clock of {door.backend} is {abs(door.ahead)} {way} ours",
            hint="Set the one that is wrong: windows, certificates and evidence go by it, and stations get theirs from there.",
        )


def _handshakes(knocks: Iterable[Knock]) -> Iterator[Finding]:
    for knock in knocks:
        if knock.found in (Knocked.UNKNOWN, Knocked.SILENT):
            text = f"the target refuses a handshake as {knock.identity!r} ({knock.status or 'no answer'})"
            yield _stop("handshake", text, "See that the CSMS knows target.knock_as, and what its path is.")
        elif knock.found is Knocked.NO_DIALECT:
            text = f"the target opens a handshake without taking {knock.offered}, which stations of this plan speak"
            yield _stop("subprotocol", text, "Enable that OCPP version on the target.")


# ── TLS as stations meet it ────────────────────────────────────────────────


def _shown(door: Doorstep, tls: TlsSight, facts: Facts) -> Iterator[Finding]:
    yield from _of_each_chain(tls, partial(_chain, door, facts))
    yield from _spoken(door, tls)


def _behind(door: Doorstep, facts: Facts, tls: TlsSight) -> Iterator[Finding]:
    """A CSMS is dialled by the relay, which is no old station."""
    yield from _trusted(door, tls, facts)
    yield from _dates(door, tls, facts)


def _chain(door: Doorstep, facts: Facts, tls: TlsSight) -> Iterator[Finding]:
    yield from _trusted(door, tls, facts)
    yield from _named(door, tls.chain[0])
    yield from _dates(door, tls, facts)
    yield from _strength(door, tls)
    yield from _roots(door, tls, facts)


def _of_each_chain(tls: TlsSight, judge: Callable[[TlsSight], Iterable[Finding]]) -> Iterator[Finding]:
    """What is wrong with the chain, and with the one for stations that know the other kind of key.

    What is wrong with both is said once, the rest says which of them it is.
    """
    if tls.beside is None:
        yield from judge(tls)
        return
    sights = (tls, tls.beside)
    found = [list(judge(one)) for one in sights]
    for one, mine, others in zip(sights, found, reversed(found), strict=True):
        for finding in mine:
            if finding not in others:
                yield replace(finding, text=f"{finding.text} (its chain with the {one.chain[0].key} key)")
            elif one is tls:
                yield finding


def _trusted(door: Doorstep, tls: TlsSight, facts: Facts) -> Iterator[Finding]:
    """Whether what was sent leads to a root without a gap; few stations fetch what is missing."""
    if tls.anchor is None and (facts.root or len(tls.chain) == 1):
        text = f"{door.backend} sends {len(tls.chain)} of its chain, and the issuer {tls.missing} is neither sent nor known here"
        yield _stop("chain-incomplete", text, "Have it send every intermediate; give a private root as target.root.")
    elif tls.anchor is None:
        text = f"the chain of {door.backend} ends in {tls.missing}, which nobody here knows"
        yield _stop("root-unknown", text, "Give that root certificate as target.root (or upstream_ca of the relay).")
    if not tls.is_ordered:
        text = f"{door.backend} sends its chain out of order"
        yield _warning(
            "chain-order", text, "Send the server's certificate first, then each issuer: old stacks want it so."
        )


def _named(door: Doorstep, own: Certificate) -> Iterator[Finding]:
    host = door.backend.host.rstrip(".")
    exact = {name.rstrip(".").casefold() for name in own.names} | {own.common_name.casefold()}
    is_wildcard = any(_covers(name, host) for name in (*own.names, own.common_name))
    if host not in exact and not is_wildcard:
        for_whom = ", ".join(own.names) or own.common_name or "nobody"
        text = f"the certificate of {door.backend} is for {for_whom}, not for {host}"
        yield _stop("certificate-name", text, "Give the target a certificate for the name that stations dial.")
    elif host not in exact:
        text = f"the certificate of {door.backend} is for {host} by a wildcard only: many stations refuse those"
        yield _warning("certificate-wildcard", text, "Give it a certificate with the full name.")
    elif not is_ip_address(host) and own.common_name.casefold() != host:
        text = f"the certificate of {door.backend} has {own.common_name or 'nothing'} as its CN: old stations look there alone"
        yield _warning("certificate-cn", text, "Write the full name into the CN as well (OCPP A00.FR.316).")
    elif host not in {name.rstrip(".").casefold() for name in own.names}:
        text = f"the certificate of {door.backend} names {host} in its CN alone: newer stations look at the SAN"
        yield _warning("certificate-cn", text, "Write the full name into the subject alternative names as well.")


def _covers(name: str, host: str) -> bool:
    """A wildcard stands for one label, the first (RFC 6125, 6.4.3)."""
    return name.startswith("*.") and "." in host and host.partition(".")[2] == name[2:].rstrip(".").casefold()


def _dates(door: Doorstep, tls: TlsSight, facts: Facts) -> Iterator[Finding]:
    for one in (*tls.chain, *filter(None, [tls.anchor])):
        whose = f"the certificate {one.subject} of {door.backend}"
        if facts.at < one.not_before:
            yield _stop("certificate-dates", f"{whose} is valid from {one.not_before:%Y-%m-%d %H:%M} UTC on", _RENEW)
        elif one.not_after < facts.at:
            yield _stop("certificate-dates", f"{whose} has expired on {one.not_after:%Y-%m-%d}", _RENEW)
        elif one.not_after < facts.at + SOON:
            yield _stop(
                "certificate-dates", f"{whose} expires on {one.not_after:%Y-%m-%d}, within {SOON.days} days", _RENEW
            )
        elif one.not_after < facts.ends_at:
            text = f"{whose} expires on {one.not_after:%Y-%m-%d}, before this campaign ends ({facts.ends_at:%Y-%m-%d})"
            yield _warning("certificate-dates", text, "See that it is renewed in time, under the same root.")
        else:
            continue
        return  # the first tells enough: an anchor may stand in the chain as well


_RENEW = "Renew it before anybody is sent there."


def _strength(door: Doorstep, tls: TlsSight) -> Iterator[Finding]:
    for one in tls.chain:
        least = LEAST_BITS.get(one.key)
        if least is None:
            text = f"{one.subject} of {door.backend} has an {one.key} key, which stations do not know"
            yield _stop("certificate-key", text, "Use RSA from 2048 bits on, or ECDSA from 224.")
        elif one.key_bits < least:
            text = f"{one.subject} of {door.backend} has an {one.key} key of {one.key_bits} bits, {least} are wanted"
            yield _stop("certificate-key", text, "Use RSA from 2048 bits on, or ECDSA from 224.")
        if one.hash in OLD_HASHES and one.subject != one.issuer:
            text = f"{one.subject} of {door.backend} is signed with {one.hash.upper()}, which newer stations refuse"
            yield _stop("certificate-hash", text, "Have it signed with SHA-256.")


def _spoken(door: Doorstep, tls: TlsSight) -> Iterator[Finding]:
    if not tls.takes_12:
        text = f"{door.backend} takes no TLS 1.2 with a suite that OCPP names: stations without TLS 1.3 stay outside"
        yield _stop("tls-version", text, "Enable TLS 1.2 with AES-GCM suites (OCPP A00.FR.317).")
    elif not tls.takes_rsa:
        text = f"{door.backend} takes ECDSA suites only: stations that know RSA alone stay outside"
        yield _stop("tls-ecdsa-only", text, "Give it an RSA certificate beside the ECDSA one (OCPP A00.FR.317).")


def _roots(door: Doorstep, tls: TlsSight, facts: Facts) -> Iterator[Finding]:
    if tls.anchor is None:
        return
    if facts.root and tls.anchor.fingerprint != facts.root:
        text = f"the chain of {door.backend} ends in {tls.anchor.subject}, which is not target.root: stations would be given another"
        yield _stop("root-other", text, "Give the root in which the target's chain ends.")
        return
    trusted = {s.tls.ends_in for s in facts.sources if s.tls}
    ignorant = [p for p in facts.dialling(door.backend) if not _will_trust(p, tls, trusted, facts.root)]
    if not ignorant:
        return
    text = f"{{n}} may not know the root {tls.ends_in} of {door.backend}, and nothing in this plan gives it to them"
    severity = Severity.WARNING if tls.is_public else Severity.EXCLUDE
    hint = "Install it first: a profile with a certificate step and target.root, the maker's portal, or a crew."
    yield about("root-new", severity, text, ignorant, hint=hint)


def _will_trust(prospect: Prospect, tls: TlsSight, trusted: set[str], root: str) -> bool:
    assert prospect.profile is not None  # it is remote
    if root and any(write.via is Way.CERTIFICATE for write in prospect.profile.writes):
        return True
    return prospect.source.is_tls and tls.ends_in in trusted


def _stop(code: str, text: str, hint: str) -> Finding:
    return Finding(code=code, severity=Severity.STOP, text=text, hint=hint)


def _warning(code: str, text: str, hint: str) -> Finding:
    return Finding(code=code, severity=Severity.WARNING, text=text, hint=hint)
