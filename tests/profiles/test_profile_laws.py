"""Each law of the catalogue, broken once: a profile that breaks it must not load."""

from __future__ import annotations

import pytest

from migrate.domain.profile import Method
from vendor_profiles import laws, read_profiles

SOUND = """\
schema: migrate.profile-file/1
profiles:
  - name: acme_ac22
    title: Acme AC22
    selector: {vendors: ["Acme*"], models: ["AC22*"], firmware: {at_least: "4.0", below: "5.0"}}
    method: change_configuration
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    writes:
      - {key: Port, value: "${port}"}
      - {key: Host, value: "${host}"}
    restart: soft
    sources: ["acme/firmware@1 config.c"]
"""
SLOTTED = """\
schema: migrate.profile-file/1
profiles:
  - name: acme_slots
    title: Acme with slots
    selector: {vendors: ["Acme*"]}
    method: change_configuration
    rollback: automatic
    turning_point: restart
    proof: {level: documented}
    slots: {keys: [P1, P2], priority_key: Prio}
    writes:
      - {key: "${free_slot}", value: "${url}"}
      - {key: Prio, value: "${free_slot},${active_slot}"}
    quirks: {falls_back: true}
    sources: ["acme/firmware@1 config.c"]
"""
VISIT = """\
schema: migrate.profile-file/1
profiles:
  - name: acme_visit
    title: Acme by hand
    selector: {vendors: ["Acme*"]}
    method: visit
    rollback: visit
    turning_point: visit
    proof: {level: documented}
    visit: ["Enter ${url}"]
    sources: ["acme manual"]
"""

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
    "a known method of later is refused": (SOUND, "method: change_configuration", "method: http", "method", "not built"),
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
    "slots are declared before they are used": (SOUND, "${port}", "${free_slot}", "writes[0].value", "needs slots"),
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
}  # fmt: skip


@pytest.mark.parametrize("text", [SOUND, SLOTTED, VISIT], ids=["writes", "slots", "visit"])
def test_a_sound_profile_breaks_no_law(text: str) -> None:
    assert read_profiles(text, file="acme.yaml").problems == ()


@pytest.mark.parametrize("law", BROKEN)
def test_a_profile_that_breaks_a_law_does_not_load(law: str) -> None:
    text, old, new, key, word = BROKEN[law]
    assert old in text

    reading = read_profiles(text.replace(old, new, 1), file="acme.yaml")

    assert not reading.profiles
    complaints = [p for p in reading.problems if p.key == f"profiles[0].{key}" and word in f"{p.message} {p.hint}"]
    assert complaints, "\n".join(map(str, reading.problems))
    assert 1 <= complaints[0].line <= text.count("\n") + 1


def test_every_law_is_broken_by_some_test(monkeypatch: pytest.MonkeyPatch) -> None:
    # The key laws are caught by name here; that each test needs its law is what the loop shows.
    needed = set()
    for law in laws.LAWS:
        monkeypatch.setattr(laws, "LAWS", tuple(other for other in laws.LAWS if other is not law))
        for text, old, new, key, _ in BROKEN.values():
            problems = read_profiles(text.replace(old, new, 1), file="acme.yaml").problems
            if not any(p.key == f"profiles[0].{key}" for p in problems):
                needed.add(law.__name__)
        monkeypatch.undo()

    assert needed == {law.__name__ for law in laws.LAWS}


def test_every_method_is_either_built_or_refused() -> None:
    refused = set()
    for method in Method:
        text = SOUND.replace("method: change_configuration", f"method: {method}")
        if any(p.key == "profiles[0].method" for p in read_profiles(text, file="a.yaml").problems):
            refused.add(method)

    assert refused == set(Method) - laws.BUILT
