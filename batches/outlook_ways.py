"""Whether the ways to the stations are there: doors, files, secrets, ports, slots.

A door says by itself what it lacks; a station's own values say whether its
unit can be filled in.  Here this is gathered by ground, not by station.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from batches.findings import Finding, Severity
from batches.prospects import Facts, Prospect, about
from migrate.domain.profile import Profile, Write
from migrate.domain.survey import SecretShape
from migrate.domain.ways import Encoding

HEX_OCTETS = (16, 20)  # AuthorizationKey of OCPP 1.6: 32 to 40 hexadecimal digits
PLAIN_LETTERS = (16, 40)  # BasicAuthPassword of OCPP 2.0.1
PLAIN_LETTERS_21 = (16, 64)  # of OCPP 2.1


def ways(facts: Facts) -> Iterator[Finding]:
    """What is wrong with the ways to stations."""
    yield from _secrets(facts)
    yield from _passwords(facts)
    for code, grounds, hint in (
        ("way-lacking", facts.lacks, "Add what is missing to the campaign or the inventory."),
        ("not-as-planned", facts.unfit, "Look at one of them: `migrate profiles probe IDENTITY`."),
    ):
        for why, prospects in _by_ground(facts, grounds).items():
            yield about(code, Severity.EXCLUDE, f"{{n}}: {why.rstrip('.')}", prospects, hint=hint)
    yield from _unreached(facts)
    yield from _firmware(facts)


def _by_ground(facts: Facts, grounds: Mapping[str, str]) -> dict[str, list[Prospect]]:
    """Stations by what was said of them, their own names taken out of it."""
    found: dict[str, list[Prospect]] = defaultdict(list)
    for prospect in facts.prospects:
        if why := grounds.get(prospect.identity):
            for name in (prospect.identity, prospect.new_name, prospect.station.ip_address):
                why = why.replace(name, "…") if len(name) > 1 else why
            found[why].append(prospect)
    return found


def _unreached(facts: Facts) -> Iterator[Finding]:
    found: dict[tuple[str, str], list[Prospect]] = defaultdict(list)
    for prospect in facts.prospects:
        if gone := facts.unreached.get(prospect.identity):
            found[(gone.way, gone.why)].append(prospect)
    for (way, why), prospects in found.items():
        where = facts.unreached[prospects[0].identity].where
        text = f"{{n}} are not reached over {way.upper()}: {why} (the first: {where})"
        hint = "See ip_address in the inventory, the APN's routing and the station's own settings."
        yield about(f"{way}-unreached", Severity.EXCLUDE, text, prospects, hint=hint)


def _firmware(facts: Facts) -> Iterator[Finding]:
    """A transfer that starves is given up by the station, and begun again, and given up again."""
    sharing = Counter(load.group for load in facts.loads.values())
    slow: dict[tuple[int, int], list[Prospect]] = defaultdict(list)
    for prospect in facts.prospects:
        load, profile = facts.loads.get(prospect.identity), prospect.profile
        if load is None or profile is None or profile.firmware is None or not facts.rate_bytes_per_s:
            continue
        largest = max((size for size in load.sizes if size is not None), default=0)
        takes_s = largest * min(facts.at_once, sharing[load.group]) / facts.rate_bytes_per_s
        if takes_s > (within_s := profile.firmware.within.total_seconds()):
            slow[(round(takes_s / 60), round(within_s / 60))].append(prospect)
    for (takes, within), prospects in slow.items():
        text = f"{{n}} would load one firmware for {takes} min at the rate their group has, and their profile gives {within}"
        hint = "Raise firmware.rate, or lower firmware.at_once."
        yield about("firmware-slow", Severity.EXCLUDE, text, prospects, hint=hint)
    if facts.idle_files:
        text = f"{len(facts.idle_files)} firmware files are for no station of the inventory: {', '.join(facts.idle_files[:5])}"
        hint = "See vendor and model in firmware.toml, or take the file out."
        yield Finding(code="firmware-idle", severity=Severity.NOTE, text=text, count=len(facts.idle_files), hint=hint)


def secret_names(profile: Profile) -> set[str]:
    """Every secret that moving a station of this family takes."""
    named = {write.secret for write in profile.writes}
    if profile.http is not None:
        named.add(profile.http.secret)
    if profile.script is not None:
        named |= {profile.script.secret, profile.script.key}
    return named - {""}


def finishing_secrets(profile: Profile) -> set[str]:
    """Those of the steps that may follow a move."""
    return {write.secret for writes in profile.finish.values() for write in writes} - {""}


def _key_of(secrets: Mapping[str, SecretShape | None], name: str, prospect: Prospect) -> str:
    """Where what is held for one station stands: under its own name, where each has one, else under that of all."""
    own = f"{name}/{prospect.station.identity}"
    return own if own in secrets else name


def _secrets(facts: Facts) -> Iterator[Finding]:
    """Only of the move itself: a step that may follow is ordered by a person, and asks for its own."""
    wanting: dict[str, list[Prospect]] = defaultdict(list)
    for prospect in facts.prospects:
        for name in sorted(secret_names(prospect.profile)) if prospect.is_remote and prospect.profile else ():
            key = _key_of(facts.secrets, name, prospect)
            if key in facts.secrets and facts.secrets[key] is None:
                wanting[name].append(prospect)
    for name, prospects in wanting.items():
        text = f"{{n}}: their profile needs the secret {name}, which is nowhere"
        hint = f"Set MIGRATE_SECRET_{name.upper()}, or write secrets/{name} (mode 600); as a folder, one file for each."
        yield about("secret-missing", Severity.EXCLUDE, text, prospects, hint=hint)


def _passwords(facts: Facts) -> Iterator[Finding]:
    """A password of the wrong length is refused by the station, or worse, taken and cut."""
    found: dict[tuple[str, Severity], list[Prospect]] = defaultdict(list)
    for prospect in facts.prospects:
        if prospect.is_remote and prospect.profile is not None:
            for ground in set(_bad_passwords(prospect, prospect.profile, facts.secrets)):
                found[ground].append(prospect)
    for (why, severity), prospects in sorted(found.items()):
        hint = "Draw a new one: 20 random octets in hex, or 32 letters and digits."
        yield about("password", severity, f"{{n}}: {why}", prospects, hint=hint)


def _bad_passwords(
    prospect: Prospect, profile: Profile, secrets: Mapping[str, SecretShape | None]
) -> Iterator[tuple[str, Severity]]:
    later = [write for writes in profile.finish.values() for write in writes]
    for severity, writes in ((Severity.EXCLUDE, profile.writes), (Severity.WARNING, later)):
        for write in writes:
            shape = secrets.get(_key_of(secrets, write.secret, prospect)) if write.secret else None
            if shape is None:
                continue
            if why := _misshapen(write, shape, prospect.station.ocpp_version):
                yield f"the secret {write.secret} for {write.key} {why}", severity
            elif write.encoding is Encoding.PLAIN and shape.is_hex:
                why = "reads as hexadecimal: some stations would store it decoded"
                yield f"the secret {write.secret} for {write.key} {why}", Severity.WARNING


def _misshapen(write: Write, shape: SecretShape, dialect: str) -> str:
    if write.encoding is Encoding.HEX:
        least, most = HEX_OCTETS
        return "" if least <= shape.octets <= most else f"has {shape.octets} octets, {least} to {most} are wanted"
    if not shape.is_text:
        return "is no text, and is to be written as it is"
    least, most = PLAIN_LETTERS_21 if dialect == "2.1" else PLAIN_LETTERS
    return "" if least <= shape.octets <= most else f"has {shape.octets} characters, {least} to {most} are wanted"
