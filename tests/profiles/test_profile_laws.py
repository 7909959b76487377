"""Each law of the catalogue, broken once: a profile that breaks it must not load."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from migrate.domain.profile import Profile
from tests.profiles.samples import CARRIED, CLOUD, FLASHED, HTTP, NETWORK, SAMPLES, SCRIPTED, SLOTTED, SOUND, VISIT
from vendor_profiles import laws, read_profiles
from vendor_profiles.laws import Breach

Law = Callable[[Profile], Iterable[Breach]]

BROKEN: dict[str, tuple[str, str, str, str, str]] = {
    # law: (profile, what is replaced, by what, the key complained about, a word of the complaint)
    "a name can stand in commands": (SOUND, "acme_ac22", "Acme AC 22!", "name", "commands"),
    "a selector names its vendor": (SOUND, '["Acme*"]', '["*"]', "selector.vendors[0]", "every vendor"),
    "a glob stays small": (SOUND, '["AC22*"]', '["*a*b*c*"]', "selector.models[0]", "asterisks"),
    "vendors are named": (SOUND, '["Acme*"]', "[]", "selector.vendors", "No vendors"),
    "an OCPP version exists": (SOUND, 'models: ["AC22*"]', 'ocpp_versions: ["1.7"]', "selector.ocpp_versions[0]", "1.7"),
    "a bound is a version": (SOUND, 'below: "5.0"', 'below: "soon"', "selector.firmware.below", "compared"),
    "a range holds something": (SOUND, 'below: "5.0"', 'below: "4.0.0"', "selector.firmware", "No version"),
    "a method is built": (SOUND, "method: change_configuration", "method: ssh", "method", "unknown"),
    "a visit writes nothing": (VISIT, "visit: [", "writes: [{key: A, value: '${url}'}]\n    visit: [", "writes", "afar"),
    "a visit has steps": (VISIT, 'visit: ["Enter ${url}"]', "restart: soft", "visit", "guessing"),
    "a visit is one-way": (VISIT, "rollback: visit", "rollback: remote", "rollback", "not undone"),
    "a visit turns at the visit": (VISIT, "turning_point: visit", "turning_point: write", "turning_point", "visit"),
    "a visit names known things": (VISIT, "${url}", "${urll}", "visit[0]", "unknown"),
    "nobody visits what is written from afar": (SOUND, "turning_point: restart", "turning_point: visit", "turning_point", "Nobody"),
    "without a restart the write is the turn": (SOUND, "restart: soft", "restart: none", "turning_point", "write itself"),
    "before_restart needs a restart": (SOUND, "rollback: remote\n    turning_point: restart", "rollback: before_restart\n    turning_point: write", "rollback", "needs a restart"),
    "a promised return is kept by something": (SLOTTED, "falls_back: true", "falls_back: false", "rollback", "nothing keeps"),
    "one-way says why": (SOUND, "rollback: remote", "rollback: impossible", "rollback", "one-way"),
    "something is written": (SOUND, "writes:\n      - {key: Port, value: \"${port}\"}\n      - {key: Host, value: \"${host}\"}", "writes: []", "writes", "nothing to write"),
    "no key is written twice": (SOUND, "key: Port", "key: Host", "writes[1].key", "twice"),
    "a template names known things": (SOUND, "${port}", "${prot}", "writes[0].value", "unknown"),
    "a dollar does not stand alone": (SOUND, "${port}", "5$", "writes[0].value", "alone"),
    "template code is not run": (SOUND, "${port}", "{{ 7*7 }}", "writes[0].value", "Template code"),
    "slots are declared before they are used": (SOUND, "${port}", "${free_slot}", "writes[0].value", "unknown here"),
    "a key fits OCPP": (SOUND, "key: Port", "key: " + "P" * 51, "writes[0].key", "51"),
    "another name fits OCPP": (SOUND, "key: Port", "also_named: [a b], key: Port", "writes[0].also_named[0]", "no key"),
    "another name is no template": (SOUND, "key: Port", "also_named: ['${port}'], key: Port", "writes[0].also_named", "plain key"),
    "a slot key fits OCPP": (SLOTTED, "P1, P2", "P1, " + "P" * 51, "slots.keys[1]", "51"),
    "profiles hold no secrets": (SOUND, "key: Port", "key: AuthorizationKey", "writes[0].key", "secret"),
    "a value fits OCPP": (SOUND, "restart: soft", "max_value_length: 501", "max_value_length", "500"),
    "only the free slot stands for a key": (SLOTTED, 'key: "${free_slot}"', 'key: "${active_slot}"', "writes[0].key", "free_slot"),
    "a packed field is one word": (SOUND, "key: Port", "within: 'a{', key: Port", "writes[0].within", "one word"),
    "what decides over a write is read": (SOUND, "key: Port", "only_with: Else, key: Port", "writes[0].only_with", "none of the keys"),
    "a write carries the URL": (SOUND, "${host}", "fixed", "writes", "No write carries"),
    "the URL goes last": (SOUND, '- {key: Host, value: "${host}"}', '- {key: Host, value: "${host}"}\n      - {key: Tls, value: "${tls}"}', "writes[2]", "after the URL"),
    "slots are two": (SLOTTED, "[P1, P2]", "[P1, P1]", "slots.keys", "two different"),
    "the priority goes last": (SLOTTED, '      - {key: Prio, value: "${free_slot},${active_slot}"}\n', "", "writes[0]", "priority goes last"),
    "the new slot goes in front": (SLOTTED, '"${free_slot},${active_slot}"', '"${active_slot},${free_slot}"', "writes[1]", "in front"),
    "the free slot gets the URL": (SLOTTED, '- {key: "${free_slot}", value: "${url}"}', '- {key: X, value: "${url}"}', "writes", "free slot"),
    "the slot in use is never written": (SLOTTED, '- {key: Prio,', '- {key: P1, value: "${url}"}\n      - {key: Prio,', "writes[1].key", "slot in use"),
    "documented names a source": (SOUND, 'sources: ["acme/firmware@1 config.c"]', "sources: []", "sources", "documented"),
    "proof is earned": (SOUND, "level: documented", "level: field", "proof.evidence", "earned"),
    # ── the unit, over every way
    "a write is one thing": (SOUND, 'key: Port, value', 'key: Port, fields: {a: b}, value', "writes[0].value", "one of"),
    "an object goes over OCPP": (SCRIPTED, 'value: "${url}"', 'fields: {a: "${url}"}', "writes[0].fields", "over OCPP"),
    "a secret is named as the vault names it": (SLOTTED, "secret: station_password", "secret: hunter 2", "finish.password[0].secret", "named here"),
    "the program's own secrets stay its own": (SLOTTED, "secret: station_password", "secret: idtag_key", "finish.password[0].secret", "own secret"),
    "a secret is filled in only where one is named": (NETWORK, "OCPP20", '"${secret}"', "writes[1].fields.ocppVersion", "unknown here"),
    "a crew is told nothing that only the station knows": (VISIT, "${url}", "${apn}", "visit[0]", "unknown here"),
    "a value of 2.0.1 has its own limit": (NETWORK, "    quirks:", "    max_value_length: 1001\n    quirks:", "max_value_length", "1000"),
    "a root is the target's": (NETWORK, 'value: "${root}"', 'value: "abc"', "writes[0].value", "${root}"),
    "a root is installed before the URL": (SOUND, '- {key: Host, value: "${host}"}', '- {key: Host, value: "${host}"}\n      - {key: Root, via: certificate, value: "${root}"}', "writes[2]", "after the URL"),
    "a move changes no password": (SOUND, '{key: Port, value: "${port}"}', '{key: AuthorizationKey, secret: station_password}', "writes[0].secret", "writes no secret"),
    "a move hides no shared key in an object": (NETWORK, "ocppInterface: Wired0", "vpn.key: abc", "writes[1].key", "vpn.key"),
    "a move hides no password in an object": (NETWORK, "ocppInterface: Wired0", "basicAuthPassword: abc", "writes[1].key", "basicAuthPassword"),
    # ── slots
    "each slot has a name": (NETWORK, 'names: ["1", "2"]', 'names: ["1"]', "slots.names", "name of its own"),
    "a move raises no security profile": (SOUND, "key: Port", "key: SecurityProfile", "writes[0].key", "as it is"),
    "a move raises no packed security profile": (SOUND, "key: Port", "within: securityProfile, key: Port", "writes[0].key", "as it is"),
    "a new slot is as secure as the old": (NETWORK, '"${security_profile}"', '"2"', "writes[1].fields.securityProfile", "another security profile"),
    "network profiles are of OCPP 2": (NETWORK, '["2.0.1", "2.1"]', '["1.6"]', "selector.ocpp_versions", "OCPP 2"),
    "a network profile goes into a slot": (SOUND, "method: change_configuration", "method: network_profile", "slots", "free slot"),
    "a clean-up leaves the slot in use": (SLOTTED, 'clean_up: [{key: Prio, value: "${active_slot}"}]', 'clean_up: [{key: "${active_slot}", value: ""}]', "finish.clean_up[0].key", "slot in use"),
    "a clean-up needs slots": (SOUND, "    restart: soft", "    finish: {clean_up: [{key: A, value: b}]}\n    restart: soft", "finish.clean_up[0]", "no slot"),
    # ── steps afterwards
    "nothing follows a visit from afar": (VISIT, "visit: [", "finish: {password: [{key: A, secret: b}]}\n    visit: [", "finish", "After a visit"),
    "a firmware is no afterthought": (SLOTTED, 'secret: station_password', 'via: firmware, secret: station_password', "finish.password[0].via", "part of the move"),
    "a step afterwards names its key": (SLOTTED, 'key: AuthorizationKey', 'key: "${apn}"', "finish.password[0].key", "Only a slot"),
    "a raise raises": (SLOTTED, 'key: SecurityProfile', 'key: Else', "finish.raise_security", "No write raises"),
    "a raise says that it is one-way": (SLOTTED, 'The raise is one-way.', 'The raise.', "finish.raise_security", "one-way"),
    "a raise goes by its name": (SLOTTED, 'key: AuthorizationKey, secret: station_password, encoding: hex', 'key: SecurityProfile, value: "2"', "finish.password[0].key", "raise_security"),
    "a password is never given": (SLOTTED, 'secret: station_password', 'value: hunter2', "finish.password[0].key", "named, never given"),
    "a password in an object is never given": (SLOTTED, 'key: AuthorizationKey, secret: station_password', 'key: Profile, fields: {password: hunter2}', "finish.password[0].fields.password", "named, never given"),
    "a password step has a password": (SLOTTED, 'key: AuthorizationKey, secret: station_password', 'key: Profile, value: a', "finish.password[0]", "from the vault"),
    # ── firmware
    "a firmware goes by its own way": (FLASHED, "key: firmware, via: firmware", "key: Version, via: firmware", "writes[0].key", "belong together"),
    "a firmware profile writes one": (SOUND, "method: change_configuration", "method: firmware", "writes", "No firmware"),
    "a firmware that is written has steps": (FLASHED, '      - {key: firmware, via: firmware, value: "5.2"}\n', "", "firmware", "both, or neither"),
    "a firmware ends with the last step": (FLASHED, 'via: firmware, value: "5.2"', 'via: firmware, value: "5.1"', "writes[0].value", "last step"),
    "a step is there once": (FLASHED, '["4.9", "5.2"]', '["5.2", "5.2"]', "firmware.steps", "each once"),
    "a step can be compared": (FLASHED, '["4.9", "5.2"]', '["soon", "5.2"]', "firmware.steps[0]", "compared"),
    "steps go up": (FLASHED, '["4.9", "5.2"]', '["5.10", "5.2"]', "firmware.steps", "go down"),
    "a protocol is served": (FLASHED, "[https, http, ftp]", "[tftp]", "firmware.protocols[0]", "not served"),
    "some protocol is named": (FLASHED, "[https, http, ftp]", "[]", "firmware.protocols", "No protocol"),
    "a firmware comes before the URL": (FLASHED, '      - {key: firmware, via: firmware, value: "5.2"}\n      - {key: Url, value: "${url}"}', '      - {key: Url, value: "${url}"}\n      - {key: firmware, via: firmware, value: "5.2"}', "writes[1]", "after the URL"),
    "a firmware comes before the new slot": (SLOTTED, '- {key: Prio, value: "${free', '- {key: firmware, via: firmware, value: "5"}\n      - {key: Prio, value: "${free', "writes[1]", "after the URL"),
    "what a firmware brings is written": (CARRIED, "carries_address: true", "brings_keys: true", "firmware.brings_keys", "none is written"),
    "an image with an address is not undone from afar": (CARRIED, "rollback: visit", "rollback: remote", "rollback", "undoes no image"),
    "an image with an address is the only one with it": (CARRIED, 'value: "5.2"}', 'value: "5.2"}\n      - {key: Url, value: "${url}"}', "writes[1]", "carries the address already"),
    "an image with an address goes last": (CARRIED, 'value: "5.2"}', 'value: "5.2"}\n      - {key: Mode, value: a}', "writes[1]", "goes last"),
    # ── scripts
    "a script profile writes by script": (SCRIPTED, 'value: "${url}"', 'via: ocpp, value: "${url}"', "writes", "by script"),
    "what goes by ssh has a script": (SOUND, "key: Port", "via: ssh, key: Port", "script", "no script says how"),
    "a script is used": (SOUND, "    restart: soft", "    restart: soft\n    script: {read: [a], write: [a, '${value}'], secret: x}", "script", "No write"),
    "a restart by ssh has a command": (SCRIPTED, "      restart: [reboot]\n", "", "script.restart", "restarted"),
    "a command is there": (SCRIPTED, '[acme-config, get, "${key}"]', "[]", "script.read", "no command"),
    "a command names known things": (SCRIPTED, '[acme-config, get, "${key}"]', '[acme-config, "${notes}"]', "script.read[1]", "unknown here"),
    "a read writes nothing": (SCRIPTED, '[acme-config, get, "${key}"]', '[acme-config, "${value}"]', "script.read[1]", "unknown here"),
    "a restart needs no value": (SCRIPTED, "[reboot]", '[reboot, "${value}"]', "script.restart[1]", "unknown here"),
    "an argument needs no shell": (SCRIPTED, '[acme-config, get, "${key}"]', '[acme-config, "a; reboot"]', "script.read[1]", "needs a shell"),
    "a value is an argument of its own": (SCRIPTED, '"--value=${value}"', '"set:${value}:end"', "script.write[2]", "middle of an argument"),
    "the value is written": (SCRIPTED, '"--value=${value}"', "fixed", "script.write", "does not name"),
    "the program is the profile's own": (SCRIPTED, '["${script}", "${key}"', '["${identity}", "${script}"', "script.write[0]", "program itself"),
    "no interpreter runs a value": (SCRIPTED, '["${script}", "${key}", "--value=${value}"]', '[sh, -c, "${value}", "${script}"]', "script.write[0]", "as code"),
    "an interpreter's program is the profile's own": (SCRIPTED, '["${script}", "${key}", "--value=${value}"]', '[busybox, sh, "${value}", "${script}"]', "script.write[0]", "as code"),
    "somebody signs in": (SCRIPTED, "      key: acme_ssh\n      secret: acme_ssh_passphrase\n", "", "script.secret", "Nobody can sign in"),
    "a private key is named": (SCRIPTED, "key: acme_ssh\n", "key: '-----BEGIN'\n", "script.key", "named here"),
    "a user is a name": (SCRIPTED, "user: root", "user: 'root -oProxyCommand=x'", "script.user", "no name"),
    "a script file is no path": (SCRIPTED, "file: acme-set.sh", "file: ../acme-set.sh", "script.file", "without folders"),
    "a script file is run": (SCRIPTED, '"${script}"', "acme-config", "script.file", "No command runs"),
    "exit code 0 is done": (SCRIPTED, "3: busy", "0: busy", "script.exits.0", "done"),
    # ── HTTP
    "an HTTP profile writes over HTTP": (HTTP, 'value: "${url}"', 'via: ocpp, value: "${url}"', "writes", "over HTTP"),
    "what goes over HTTP has an interface": (SOUND, "key: Port", "via: http, key: Port", "http", "nothing says how"),
    "an interface is used": (HTTP, 'value: "${url}"', 'via: ocpp, value: "${url}"', "http", "No write"),
    "a restart over HTTP has a request": (CLOUD, '      restart: [{path: "/chargers/${serial}/restart", method: POST}]\n', "", "http.restart", "restarted"),
    "each key of the unit has its requests": (HTTP, "        url:\n", "        link:\n", "writes[0].key", "does not say how"),
    "a base has a scheme": (HTTP, '"http://${ip}"', '"ftp://${ip}"', "http.base", "no base"),
    "a base has a host": (HTTP, '"http://${ip}"', '"http://${identity}"', "http.base", "no base"),
    "a base holds no user": (CLOUD, "https://api.acme.example", "https://a:b@api.acme.example", "http.base", "no base"),
    "a base holds no query": (CLOUD, "https://api.acme.example", "https://api.acme.example/?a=b", "http.base", "nothing else"),
    "a cloud speaks TLS": (CLOUD, "https://api.acme.example", "http://api.acme.example", "http.base", "over https"),
    "a secret of HTTP is named": (HTTP, "secret: acme_web", "secret: 'Hunter 2'", "http.secret", "named here"),
    "who signs in has a secret": (HTTP, "      secret: acme_web\n", "", "http.secret", "needs a secret"),
    "who signs in has a name": (HTTP, "      user: admin\n", "", "http.user", "needs a user"),
    "a secret is used": (HTTP, "      auth: digest\n", "", "http.secret", "Nothing uses"),
    "no password stands in a body": (CLOUD, '"${secret}"', "hunter2", "http.login[0].json.password", "profiles hold none"),
    "no secret goes into a query": (CLOUD, 'json: {userName: "${user}", password: "${secret}"}', 'query: {p: "${secret}"}', "http.login[0].query.p", "in logs"),
    "no secret goes into a path": (CLOUD, "path: /login", 'path: "/login/${secret}"', "http.login[0].path", "in logs"),
    "a path begins at the root": (HTTP, "path: /ocpp/config, picks", "path: ocpp/config, picks", "http.keys.url.read[0].path", "no path"),
    "a path climbs nowhere": (HTTP, "path: /ocpp/config, picks", "path: /ocpp/../config, picks", "http.keys.url.read[0].path", "no path"),
    "a request has one body": (HTTP, "method: PUT,", "method: PUT, form: {a: b},", "http.keys.url.write[0].form", "one body"),
    "a GET has no body": (HTTP, "method: PUT, ", "", "http.keys.url.write[0].method", "no body"),
    "a status means one thing": (HTTP, "busy: [409]", "busy: [204]", "http.keys.url.write[0].expect", "not now"),
    "auth sets its own header": (HTTP, "method: PUT,", "method: PUT, headers: {Authorization: abc},", "http.keys.url.write[0].headers.Authorization", "not a profile's"),
    "a spread is one object": (HTTP, '"...": "${config}"', '"...": "a${config}"', "http.keys.url.write[0].json....", "spread"),
    "a proof is picked where it is judged": (HTTP, "version: \"data[0].version\"", "its_serial: \"data[0].version\"", "http.keys.url.write[0].picks.its_serial", "prove nothing"),
    "a pick says where": (HTTP, "version: \"data[0].version\"", "version: \"data[x\"", "http.keys.url.write[0].picks.version", "picks nothing"),
    "what is waited for is picked": (HTTP, "until: {pick: state", "until: {pick: stat", "http.keys.url.write[2].until.pick", "not picked"),
    "waiting has an end": (HTTP, 'is_one_of: ["done"]', "is_one_of: []", "http.keys.url.write[2].until.is_one_of", "ends the asking"),
    "an order is not repeated until it is done": (HTTP, "path: /ocpp/state,", "path: /ocpp/state, method: POST,", "http.keys.url.write[2].until", "sent once"),
    "a value is not sent again and again": (HTTP, "path: /ocpp/state,", 'path: /ocpp/state, query: {url: "${value}"},', "http.keys.url.write[2].until", "sent once"),
    "a request names what is known": (HTTP, "/ocpp/apply/${version}", "/ocpp/apply/${state}", "http.keys.url.write[1].path", "unknown here"),
    "a read knows no value": (HTTP, 'path: /ocpp/config, picks: {config', 'query: {v: "${value}"}, path: /ocpp/config, picks: {config', "http.keys.url.read[0].query.v", "unknown here"),
    "only the login knows the secret": (CLOUD, 'query: {wait: "1"}', 'form: {a: "${secret}"}', "http.keys.url.write[0].form.a", "unknown here"),
    "a token stays with the login": (CLOUD, 'query: {wait: "1"}', 'headers: {X-Auth: "${token}"}', "http.keys.url.write[0].headers.X-Auth", "unknown here"),
    "a read picks the value": (HTTP, "value: url}", "was: url}", "http.keys.url.read", "picks value"),
    "a write names the value": (HTTP, 'url: "${value}"', "url: fixed", "http.keys.url.write", "names"),
    "what is taken off is known": (HTTP, "          write:\n", '          appends: "/${ip}"\n          write:\n', "http.keys.url.appends", "unknown here"),
}  # fmt: skip


@pytest.mark.parametrize("method", SAMPLES)
def test_a_sound_profile_breaks_no_law(method: str) -> None:
    assert read_profiles(SAMPLES[method], file="acme.yaml").problems == ()


@pytest.mark.parametrize("law", BROKEN)
def test_a_profile_that_breaks_a_law_does_not_load(law: str) -> None:
    text, old, new, key, word = BROKEN[law]
    assert old in text

    reading = read_profiles(text.replace(old, new, 1), file="acme.yaml")

    assert not reading.profiles
    complaints = [p for p in reading.problems if p.key == f"profiles[0].{key}" and word in f"{p.message} {p.hint}"]
    assert complaints, "\n".join(map(str, reading.problems))
    assert 1 <= complaints[0].line <= text.count("\n") + 1


OWN_PASSWORD = NETWORK.replace('["2.0.1", "2.1"]', '["2.1"]').replace(
    "ocppInterface: Wired0}", 'ocppInterface: Wired0, basicAuthPassword: "${secret}"}\n        secret: acme_new'
)


def test_a_slot_of_2_1_may_bring_the_password_with_which_it_alone_is_dialled() -> None:
    reading = read_profiles(OWN_PASSWORD, file="acme.yaml")

    assert reading.problems == ()
    assert reading.profiles[0].writes[1].secret == "acme_new"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('["2.1"]', '["2.0.1", "2.1"]'),
        ("stays: true", "stays: false"),
        ('"${secret}"', "hunter2"),
        ("basicAuthPassword:", "apn.apnPassword: hunter2, basicAuthPassword:"),
        ('key: "${free_slot}"', "key: SecurityCtrlr.BasicAuthPassword"),
    ],
    ids=["one password for all slots", "it is undone", "given and not named", "another beside it", "the station's own"],
)
def test_any_other_password_in_a_move_is_refused(old: str, new: str) -> None:
    assert old in OWN_PASSWORD

    reading = read_profiles(OWN_PASSWORD.replace(old, new, 1), file="acme.yaml")

    assert not reading.profiles
    assert any("a move" in problem.message.casefold() for problem in reading.problems)


def test_every_law_is_broken_by_some_test(monkeypatch: pytest.MonkeyPatch) -> None:
    # The key laws are caught by name here; that each test needs its law is what the loop shows.
    needed = set()
    for text, old, new, key, _ in BROKEN.values():
        broken = text.replace(old, new, 1)
        for law in _broken_by(broken, monkeypatch):
            with monkeypatch.context() as without:
                without.setattr(laws, "LAWS", tuple(other for other in laws.LAWS if other is not law))
                problems = read_profiles(broken, file="acme.yaml").problems
            if not any(p.key == f"profiles[0].{key}" for p in problems):
                needed.add(law.__name__)

    assert needed == {law.__name__ for law in laws.LAWS}


def _broken_by(text: str, monkeypatch: pytest.MonkeyPatch) -> list[Law]:
    """The laws that complain of it, whatever of: only without one of these can its complaint be missing."""
    complaining: list[Law] = []

    def overheard(law: Law) -> Law:
        def listen(profile: Profile) -> Iterable[Breach]:
            if found := tuple(law(profile)):
                complaining.append(law)
            return found

        return listen

    with monkeypatch.context() as listening:
        listening.setattr(laws, "LAWS", tuple(overheard(law) for law in laws.LAWS))
        read_profiles(text, file="acme.yaml")
    return complaining
