"""``[http]``: how stations' own interfaces and their makers' clouds are reached."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from migrate.settings import kinds as k

_LONGEST_USER = 200
_BASE = re.compile(r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::\d{1,5})?(?:/[\w.~-]+)*", re.ASCII)


def parse_bases(value: Any) -> dict[str, str]:
    """Which base of a profile is asked elsewhere: ``"https://api.easee.com" = "https://127.0.0.1:8443"``."""
    if not isinstance(value, dict):
        raise k.Bad('wants a table such as "https://api.easee.com" = "https://127.0.0.1:8443"')
    for base, instead in value.items():
        for text in (base, instead):
            if not isinstance(text, str) or not _BASE.fullmatch(text.rstrip("/")):
                raise k.Bad(f"holds {text!r:.80}, which is no base address such as https://api.example:8443")
        if base.startswith("https:") and not instead.startswith("https:"):
            raise k.Bad(f"leads {base} where no certificate is looked at: write https://")
    return {base.rstrip("/"): instead.rstrip("/") for base, instead in value.items()}


def parse_users(value: Any) -> dict[str, str]:
    """Who goes with a secret, where a profile cannot know it: ``easee_cloud = "fleet@cpo.example"``."""
    if not isinstance(value, dict):
        raise k.Bad('wants a table such as easee_cloud = "fleet@cpo.example"')
    for secret, user in value.items():
        k.parse_secret_name(secret)
        if not isinstance(user, str) or not user.strip() or not user.isprintable() or len(user) > _LONGEST_USER:
            raise k.Bad(f"gives no user for {secret}: write the name of the account, never its password")
    return {secret: user.strip() for secret, user in value.items()}


HTTP_KEYS: Mapping[str, tuple[Callable[[Any], Any], Any]] = {
    "http.port": (k.parse_port, 80),
    "http.at_once": (k.count(1), 16),
    "http.ca": (k.parse_path, None),
    "http.bases": (parse_bases, {}),
    "http.users": (parse_users, {}),
}
"""Every key of ``[http]``, with its kind and its default."""
