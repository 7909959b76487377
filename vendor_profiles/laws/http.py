"""Laws over HTTP: where requests go is fixed, what they name is known before, and they hold no secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set
from typing import Any
from urllib.parse import urlsplit

from migrate.domain.profile import Method, Profile
from migrate.domain.ways import HTTP_NAMES, ITS_NAMES, LOGIN_NAMES, Call, HttpApi, HttpAuth, Way
from vendor_profiles.laws.breach import (
    Breach,
    all_writes,
    goes_by,
    is_secret,
    judge_secret_name,
    judge_template,
    names_in,
)

_HOST = re.compile(r"(?:\$\{ip\}|[a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::\d{1,5})?", re.ASCII)
_PICK = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_VALUES = frozenset({"value", "value_json"})
_WHERE = re.compile(r"\$|[\w-]+(?:\.[\w-]+|\[\d{1,4}\])*|\[\d{1,4}\](?:\.[\w-]+|\[\d{1,4}\])*", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}", re.ASCII)
_OWN_HEADERS = frozenset({"authorization", "cookie", "host", "content-length", "content-type", "transfer-encoding"})


def _requests_belong_to_their_writes(profile: Profile) -> Iterator[Breach]:
    uses = goes_by(profile, Way.HTTP)
    if profile.method is Method.HTTP and not any(write.via is Way.HTTP for write in profile.writes):
        yield Breach("writes", "Nothing is written over HTTP.", "Write the address via http.")
    if uses and profile.http is None:
        yield Breach("http", "Something goes over HTTP, and nothing says how.", "Add http: base and keys.")
    if profile.http is None:
        return
    if not uses:
        yield Breach("http", "No write goes over HTTP.", "Leave http out, or write via http.")
    if profile.restart_via is Way.HTTP and not profile.http.restart:
        yield Breach("http.restart", "Nothing says how it is restarted over HTTP.", "Give the requests.")
    for at, write in all_writes(profile):
        for name in write.names:
            if write.via is Way.HTTP and name not in profile.http.keys:
                yield Breach(f"{at}.key", f"http.keys does not say how {name} is read and written.")


def _the_base_is_fixed(profile: Profile) -> Iterator[Breach]:
    """A base is the station's own address, or one host that the profile names."""
    if profile.http is None:
        return
    base = profile.http.base
    parts = urlsplit(base.replace("${ip}", "ip"))
    authority = base.partition("://")[2].partition("/")[0]
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(authority):
        yield Breach("http.base", f"{base!r} is no base address.", "Write http://${ip} or https://host.")
    elif "$" in base.replace("${ip}", "") or parts.query or parts.fragment or ".." in parts.path:
        yield Breach("http.base", "A base has a scheme, a host, a port and a path, and nothing else.")
    elif parts.scheme == "http" and "${ip}" not in base:
        yield Breach("http.base", "A cloud is reached over https.", "Write https://.")


def _secrets_of_http_are_named(profile: Profile) -> Iterator[Breach]:
    api = profile.http
    if api is None:
        return
    yield from judge_secret_name("http.secret", api.secret)
    signs = api.auth is not HttpAuth.NONE
    has_token = any("token" in call.picks for call in api.login)
    if signs and not (api.secret or (api.auth is HttpAuth.BEARER and has_token)):
        yield Breach(
            "http.secret", f"{api.auth} needs a secret.", "Name it; a bearer may come from the pick token of login."
        )
    if api.auth in (HttpAuth.BASIC, HttpAuth.DIGEST) and not api.user:
        yield Breach("http.user", f"{api.auth} needs a user.")
    if api.secret and not signs and not api.login:
        yield Breach("http.secret", "Nothing uses this secret.", "Say auth, or name it in login.")
    for at, call in _calls(api):
        if names_in(call.path) & {"secret", "token"}:
            yield Breach(f"{at}.path", "A secret in a path ends up in logs.", "Put it into a header or the body.")
        for place, name, text in _named_texts(at, call):
            if names_in(text) & {"secret", "token"} and ".query." in place:
                yield Breach(place, "A secret in a query ends up in logs.", "Put it into a header or the body.")
            if is_secret(name) and not names_in(text):
                yield Breach(place, f"{name} holds a secret, and profiles hold none.", "Name it: http.secret.")


def _calls(api: HttpApi) -> Iterator[tuple[str, Call]]:
    rows: list[tuple[str, Iterable[Call]]] = [("http.login", api.login), ("http.restart", api.restart)]
    for name, key in api.keys.items():
        rows += [(f"http.keys.{name}.read", key.read), (f"http.keys.{name}.write", key.write)]
    yield from ((f"{at}[{i}]", call) for at, calls in rows for i, call in enumerate(calls))


def _named_texts(at: str, call: Call) -> Iterator[tuple[str, str, str]]:
    """Every text of a request that has a name, with its place."""
    for part in ("query", "headers", "form"):
        for name, text in (getattr(call, part) or {}).items():
            yield f"{at}.{part}.{name}", name, text
    yield from _leaves(f"{at}.json", "", call.json)


def _leaves(at: str, name: str, node: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(node, str):
        yield at, name, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(f"{at}.{key}", key, value)
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from _leaves(f"{at}[{i}]", name, value)


def _requests_are_sound(profile: Profile) -> Iterator[Breach]:
    for at, call in _calls(profile.http) if profile.http else ():
        yield from _judge_request(at, call)
        yield from _judge_picks(at, call)


def _judge_request(at: str, call: Call) -> Iterator[Breach]:
    if not call.path.startswith("/") or call.path.startswith("//") or re.search(r"\.\.|[?#\s\\]", call.path):
        yield Breach(f"{at}.path", f"{call.path!r} is no path.", "Begin with /; what follows ? goes into query.")
    if call.json is not None and call.form is not None:
        yield Breach(f"{at}.form", "A request has one body.", "Choose json or form.")
    if call.method == "GET" and (call.json is not None or call.form is not None):
        yield Breach(f"{at}.method", "A GET has no body.", "Write method: POST or PUT, or use query.")
    if not call.expect or set(call.expect) & set(call.busy):
        yield Breach(f"{at}.expect", "A status means yes or not now, and some status means yes.")
    for name in call.headers:
        if not _HEADER.fullmatch(name) or name.casefold() in _OWN_HEADERS:
            yield Breach(f"{at}.headers.{name}", f"The header {name} is not a profile's to set.")
    for place, name, text in _leaves(f"{at}.json", "", call.json):
        if name == "..." and not re.fullmatch(r"\$\{\w+\}", text):
            yield Breach(place, "What is spread is one picked object.", "Write exactly ${name}.")


def _judge_picks(at: str, call: Call) -> Iterator[Breach]:
    for name, where in call.picks.items():
        if not _PICK.fullmatch(name) or not _WHERE.fullmatch(where):
            yield Breach(f"{at}.picks.{name}", f"{name}: {where!r} picks nothing.", "As in version: data.items[0].id.")
        if name.startswith("its_") and not (name in ITS_NAMES and ".read[" in at):
            yield Breach(
                f"{at}.picks.{name}", f"{name} would prove nothing.", "Pick its_identity or its_serial, in a read."
            )
    if call.until and call.until.pick not in call.picks:
        yield Breach(f"{at}.until.pick", f"{call.until.pick} is not picked by this request.", "Add it to picks.")
    if call.until and not call.until.is_one_of:
        yield Breach(f"{at}.until.is_one_of", "Nothing ends the asking.", "Name the values that do.")
    texts = [call.path, *(text for _, _, text in _named_texts(at, call))]
    if call.until and (call.method not in ("GET", "HEAD") or _VALUES & {n for text in texts for n in names_in(text)}):
        yield Breach(f"{at}.until", "What tells a station something is sent once.", "Ask in a GET of its own after it.")


def _names_are_known_before_use(profile: Profile) -> Iterator[Breach]:
    """A request names the station, and what earlier requests of the same errand picked."""
    api = profile.http
    if api is None:
        return
    found: list[Breach] = []
    token = {"token"} if api.auth is HttpAuth.BEARER else set()
    after_login = _walk("http.login", api.login, HTTP_NAMES | LOGIN_NAMES, found) - LOGIN_NAMES - token
    _walk("http.restart", api.restart, after_login, found)
    for name, key in api.keys.items():
        at = f"http.keys.{name}"
        after_read = _walk(f"{at}.read", key.read, after_login, found)
        _walk(f"{at}.write", key.write, after_read | _VALUES, found)
        found += judge_template(f"{at}.appends", key.appends, HTTP_NAMES - {"ip"})
        if not any("value" in call.picks for call in key.read):
            found.append(Breach(f"{at}.read", "No request of read picks value.", "Add picks: {value: …}."))
        if not any(_VALUES & _names_of(call) for call in key.write):
            found.append(Breach(f"{at}.write", "No request of write names ${value}.", "Put it where it belongs."))
    yield from found


def _walk(at: str, calls: Iterable[Call], known: Set[str], found: list[Breach]) -> set[str]:
    """Judge every text of a row of requests; what is known after it."""
    names = set(known)
    for i, call in enumerate(calls):
        found += judge_template(f"{at}[{i}].path", call.path, names)
        for place, _, text in _named_texts(f"{at}[{i}]", call):
            found += judge_template(place, text, names)
        names |= set(call.picks)
    return names


def _names_of(call: Call) -> set[str]:
    texts = [call.path, *(text for _, _, text in _named_texts("", call))]
    return {name for text in texts for name in names_in(text)}


LAWS = (
    _requests_belong_to_their_writes,
    _the_base_is_fixed,
    _secrets_of_http_are_named,
    _requests_are_sound,
    _names_are_known_before_use,
)
