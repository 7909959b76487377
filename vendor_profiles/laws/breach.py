"""What all laws share: a breach, the limits, and which names a template holds."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from string import Template

from migrate.domain.profile import SECURITY_PROFILE_KEYS, TEMPLATE_NAMES, Profile, Write
from migrate.domain.ways import Way

MAX_KEY = 50  # OCPP 1.6 edition 2, 7.29: CiString50Type
MAX_LONG_KEY = 4 * MAX_KEY + 5  # Component[instance].Variable[instance], each 50 characters in OCPP 2.0.1
MAX_VALUE = 500  # OCPP 1.6 edition 2, 6.7: CiString500Type
MAX_LONG_VALUE = 1000  # OCPP 2.0.1, SetVariableDataType: attributeValue

CARRIERS = frozenset({"url", "full_url", "origin", "host"})
SLOT_NAMES = frozenset({"free_slot", "active_slot"})
ADDRESS_NAMES = TEMPLATE_NAMES - SLOT_NAMES - {"security_profile", "apn", "root", "secret"}
"""What is known of a station without asking it: the steps of a crew are filled in from these."""

_SECRET = re.compile(r"authorizationkey|password|passphrase|secret|token|api_?key|vpn\.?key|pin$", re.IGNORECASE)
_SECRET_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}", re.ASCII)
_OWN = frozenset({"idtag_key", "link_key", "store_key"})


@dataclass(frozen=True, slots=True)
class Breach:
    """A law that a profile breaks; ``at`` is the place inside the profile, as in ``writes[1].key``."""

    at: str
    message: str
    hint: str = ""


def names_in(template: str) -> set[str]:
    """The names that a template holds; none where it is no template."""
    return set(Template(template).get_identifiers()) if Template(template).is_valid() else set()


def texts_of(write: Write) -> tuple[str, ...]:
    """Everything of a write that is filled in and sent as its value."""
    return (write.value, *(write.fields or {}).values())


def carries_url(write: Write) -> bool:
    """Whether a write tells the station where to go."""
    return any(CARRIERS & names_in(text) for text in texts_of(write))


def all_writes(profile: Profile) -> Iterator[tuple[str, Write]]:
    """Every write of a profile with its place, those of the steps afterwards too."""
    yield from ((f"writes[{i}]", write) for i, write in enumerate(profile.writes))
    for step, writes in profile.finish.items():
        yield from ((f"finish.{step}[{i}]", write) for i, write in enumerate(writes))


def goes_by(profile: Profile, way: Way) -> bool:
    """Whether anything of a profile goes by one way."""
    return profile.restart_via is way or any(write.via is way for _, write in all_writes(profile))


def is_secret(name: str) -> bool:
    """Whether something of this name holds a secret, as far as a name tells."""
    return _SECRET.search(name) is not None


def is_security(key: str) -> bool:
    """Whether a key holds a station's security profile; one-way, because it never goes down."""
    return key in SECURITY_PROFILE_KEYS or key.rpartition(".")[2].casefold() == "securityprofile"


def judge_template(at: str, text: str, known: Collection[str]) -> Iterator[Breach]:
    """Whether a text can be filled in: no code, no lone dollar, no name that nobody fills in there."""
    if "{{" in text or "{%" in text:
        yield Breach(at, "Template code is not run here.", "Only ${name} is filled in.")
    elif not Template(text).is_valid():
        yield Breach(at, "A $ stands alone.", "Write ${name}, or $$ for a dollar sign.")
    else:
        for name in sorted(names_in(text) - set(known)):
            shown = ", ".join(sorted(known)) or "none"
            yield Breach(at, f"${{{name}}} is unknown here.", f"Known are {shown}.")


def judge_secret_name(at: str, name: str) -> Iterator[Breach]:
    """A secret is named and never given; what the program keeps for itself is no profile's business."""
    if not name:
        return
    if not _SECRET_NAME.fullmatch(name):
        yield Breach(at, "A secret is named here, not given.", "Its name has a-z, digits and _, as in the vault.")
    elif name in _OWN:
        yield Breach(at, f"{name} is the program's own secret.", "Name one that the station knows.")
