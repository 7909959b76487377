"""What must never be shown: credentials in addresses, and the values of keys that are named after a secret.

It works on structure (the parts of an address, the names of keys), not on
patterns of whole messages, so that another order of keys leaks nothing.  It
cannot know a secret that is written as ordinary text under an ordinary name:
such a text must not reach anybody in the first place.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

MASK = "***"

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_SECRET_NAMES = (
    *("password", "passwd", "passphrase", "passkey", "pwd", "secret", "token", "credential"),
    *("authorization", "authkey", "apikey", "privatekey", "sharedkey", "vpnkey"),
)
_SECRET_WHOLE = frozenset({"apninfo", "apn_info", "pass", "psk", "pin", "puk"})
"""Names that are secret as a whole: one maker keeps "apn,user,password" in ``apnInfo``."""

_SECRET_END = re.compile(r"(?:[a-z0-9]P|[_\-. ][Pp]|^P|SIM_?P)(?:IN|in|UK|uk|SK|sk)$")
"""``GsmSimPin``, ``VEC_cellularPin``, ``WIFI_PSK``; not ``WebSocketPing`` and not ``Spin``."""

_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?", re.ASCII)

_LONG = 20
_TOKEN = 16
_SHORTEST_INSIDE = 6
_PLACE = re.compile(r"[^\s/]*(?:/[^\s/]*)+")  # an address without its scheme, or its path alone


def is_secret_name(name: str) -> bool:
    """Whether a key of a station or of a document names something that is never shown.

    >>> is_secret_name("AuthorizationKey"), is_secret_name("apn_password"), is_secret_name("HeartbeatInterval")
    (True, True, False)
    >>> is_secret_name("GsmSimPin"), is_secret_name("apnInfo"), is_secret_name("WebSocketPingInterval")
    (True, True, False)
    >>> is_secret_name("NetworkConfiguration[1].VpnKey"), is_secret_name("vpn.key")
    (True, True)
    """
    plain = name.lower().replace("_", "").replace("-", "").replace(".", "")
    if any(secret in plain for secret in _SECRET_NAMES):
        return True
    return name.lower() in _SECRET_WHOLE or _SECRET_END.search(name) is not None


def looks_like_a_token(value: str) -> bool:
    """Whether a single word looks as if somebody had drawn it by lot: letters and digits, long, no address, no version.

    >>> looks_like_a_token("9f86d081884c7d659a2f"), looks_like_a_token("Core,FirmwareManagement,RemoteTrigger")
    (True, False)
    """
    word = value.strip()
    return (
        len(word) >= _TOKEN
        and re.fullmatch(r"[A-Za-z0-9+/=_-]+", word) is not None
        and any(c.isdigit() for c in word)
        and any(c.isalpha() for c in word)
    )


def unsaid(text: str, hidden: Sequence[str]) -> str:
    """A sentence without what is hidden: in plain, in hex, in base64 and as an address spells it.

    >>> unsaid("no: hunter22 is 68756e7465723232", ["hunter22"])
    'no: *** is ***'
    """
    for secret in sorted(filter(None, hidden), key=len, reverse=True):
        for spelt in spellings(secret):
            text = text.replace(spelt, MASK)
    return text


def spellings(secret: str) -> list[str]:
    """The ways in which a secret is usually written, the longest first, so that of none a part is left over."""
    raw = secret.encode(errors="replace")
    encoded = b64encode(raw).decode()
    forms = {
        secret,
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        raw.hex(),
        raw.hex().upper(),
        encoded,
        encoded.rstrip("="),
        quote(secret, safe="", errors="replace"),
        *_inside_base64(raw),
    }
    return sorted(forms, key=len, reverse=True)


def _inside_base64(raw: bytes) -> Iterator[str]:
    """What a secret becomes behind other bytes, as a password behind its user in ``Authorization: Basic``.

    Only letters that depend on the secret alone; of a short one too few are
    left to be told from others.
    """
    if len(raw) < _SHORTEST_INSIDE:
        return
    for offset in range(3):
        first, last = (offset * 8 + 5) // 6, (offset + len(raw)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(bytes(offset) + raw + bytes(3)).decode()[first:last]


def redact(text: str, *, keep: str = "") -> str:
    """Any text with every address in it reduced to what may be shown.

    User info and query are masked and long token-like path segments too;
    ``keep`` is the identity, which ends most addresses and is no secret.

    >>> redact("dials wss://u:p@csms.example/ocpp?token=1 now")
    'dials wss://***@csms.example/ocpp?*** now'
    """
    if "://" not in text:
        return text
    return _ADDRESS.sub(lambda found: _address(found.group(), keep), text)


def redact_value(text: str, *, keep: str = "") -> str:
    """A value of a station: an address in any spelling, also without its scheme, or only its path.

    >>> redact_value("/ocpp/9f86d081884c7d659a2f"), redact_value("old.example:80/ocpp/9f86d081884c7d659a2f")
    ('/ocpp/***', 'old.example:80/ocpp/***')
    >>> redact_value("on/off"), redact_value("a sentence about 9f86d081884c7d659a2f/x")
    ('on/off', 'a sentence about 9f86d081884c7d659a2f/x')

    The fingerprint of a public key is there to be compared, and is shown whole.

    >>> redact_value("SHA256:n3Yw1/kNq0bS4cM7uX9aLr2vTzE5dHgJ8oPiQyWfKsA")
    'SHA256:n3Yw1/kNq0bS4cM7uX9aLr2vTzE5dHgJ8oPiQyWfKsA'
    """
    if _FINGERPRINT.fullmatch(text):
        return text
    if "://" in text or _PLACE.fullmatch(text) is None:
        return redact(text, keep=keep)
    host, _, path = text.partition("/")
    user, at, bare = host.rpartition("@")
    return "/".join([f"{MASK}@{bare}" if user and at else host, *(_segment(part, keep) for part in path.split("/"))])


def _address(text: str, keep: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        return text.split("://", 1)[0] + "://" + MASK
    path = "/".join(_segment(segment, keep) for segment in parts.path.split("/"))
    return (
        f"{parts.scheme}://{_netloc(parts)}{path}"
        + (f"?{MASK}" if parts.query else "")
        + ("#" + MASK if parts.fragment else "")
    )


def _netloc(parts: SplitResult) -> str:
    _, at, host = parts.netloc.rpartition("@")
    return f"{MASK}@{host}" if at else host


def _segment(segment: str, keep: str) -> str:
    bare = unquote(segment).strip("\"'.,;:)]}>")
    if keep and bare == keep:
        return segment
    return MASK if len(bare) >= _LONG and any(c.isdigit() for c in bare) else segment


def redact_document(value: Any, *, keep: str = "") -> Any:
    """A JSON value with every address redacted and every secret key's value masked.

    ``{"key": "AuthorizationKey", "value": …}``, the form in which stations
    tell their settings, is masked as well.
    """
    if isinstance(value, str):
        return redact_value(value, keep=keep)
    if isinstance(value, Mapping):
        return _redact_mapping(value, keep)
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [redact_document(item, keep=keep) for item in value]
    return value if isinstance(value, int | float | bool | None) else MASK


def _redact_mapping(value: Mapping[Any, Any], keep: str) -> dict[str, Any]:
    names = value.get("key")
    hides_value = isinstance(names, str) and is_secret_name(names)
    return {
        str(name): MASK
        if is_secret_name(str(name)) or (hides_value and name in ("value", "old", "new", "held", "wanted"))
        else redact_document(item, keep=keep)
        for name, item in value.items()
    }
