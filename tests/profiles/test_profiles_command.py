"""``migrate profiles`` as an operator and a script meet it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from migrate.cli import call
from migrate.cli.profiles import profiles
from tests.profiles.samples import SAMPLES

OWN = """\
schema: migrate.profile-file/1
profiles:
  - name: acme_ac22
    title: Acme AC22
    selector: {vendors: ["Acme*"]}
    method: change_configuration
    rollback: impossible
    turning_point: restart
    proof: {level: bench, evidence: [bench/2026-10-02.jsonl]}
    writes: [{key: Url, value: "${url}", readback: masked}]
    timing: {appear: 30m}
    sources: ["acme/firmware@1 config.c"]
    notes: ["The maker's update takes the old backend away."]
"""


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    (tmp_path / "campaign.toml").write_text('name = "drill"\n', encoding="utf-8")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "acme.yaml").write_text(OWN, encoding="utf-8")
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert call(["profiles", *arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert isinstance(document, dict)
    return document


def test_the_list_holds_the_packaged_profiles_and_the_campaigns_own(
    capsys: pytest.CaptureFixture[str], campaign: Path
) -> None:
    document = answer(capsys, "list", "--campaign", str(campaign))

    found = {row["name"]: row for row in document["profiles"]}  # type: ignore[attr-defined]
    assert document["schema"] == "migrate.profiles/1"
    assert {"keba_p30x", "acme_ac22"} <= set(found)
    assert found["acme_ac22"]["one_way"] is True


def test_the_list_is_one_line_a_profile(capsys: pytest.CaptureFixture[str], campaign: Path) -> None:
    assert call(["profiles", "list", "--campaign", str(campaign)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("acme_ac22 ") and line.endswith("Acme AC22")]
    assert len(lines) == len({line.split()[0] for line in lines})


def test_a_profile_is_shown_whole(capsys: pytest.CaptureFixture[str], campaign: Path) -> None:
    document = answer(capsys, "show", "acme_ac22", "--campaign", str(campaign))

    assert document["schema"] == "migrate.profile/1"
    assert document["timing"] == {"restart_s": None, "appear_s": 1800.0, "settle_s": None}
    assert document["reads"] == ["Url"]


def test_a_profile_is_shown_in_words(capsys: pytest.CaptureFixture[str], campaign: Path) -> None:
    assert call(["profiles", "show", "acme_ac22", "--campaign", str(campaign)]) == 0

    shown = capsys.readouterr().out
    assert "impossible, one-way; the turning point is the restart" in shown
    assert "Url = ${url} (read back masked)" in shown


SETTINGS = """\
name = "drill"
[source]
url = "ws://legacy.example/ocpp"
relay = {upstream = "lab"}
[target]
url = "wss://new.example/ocpp"
relay = {upstream = "lab"}
"""
ACCEPTED = SETTINGS + '[profiles.accepted]\nkeba_p30x = "bench run of 2026-11-18, ann"\n'


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("keba_p30x", SETTINGS, "proof      simulated"),
        ("keba_p30x", SETTINGS, "wave 0 only"),
        ("keba_p30x", ACCEPTED, "every wave, accepted by a person: bench run of 2026-11-18, ann"),
        ("acme_ac22", SETTINGS, "every wave"),
        ("zaptec", SETTINGS, "a crew moves it"),
    ],
    ids=["level", "below bench", "accepted", "bench", "visit"],
)
def test_a_profile_says_how_well_it_is_proven_and_what_that_allows(
    capsys: pytest.CaptureFixture[str], campaign: Path, name: str, settings: str, says: str
) -> None:
    (campaign / "campaign.toml").write_text(settings, encoding="utf-8")

    assert call(["profiles", "show", name, "--campaign", str(campaign)]) == 0

    assert says in capsys.readouterr().out


def test_the_list_begins_with_what_moves_stations_from_afar_and_tells_the_levels(
    capsys: pytest.CaptureFixture[str], campaign: Path
) -> None:
    assert call(["profiles", "list", "--campaign", str(campaign)]) == 0

    said = capsys.readouterr()
    methods = [line.split()[0] for line in said.out.splitlines()[1:]]
    assert methods.index("vestel_evc04") < methods.index("abb_terra_ac")
    assert "1 bench" in said.err
    assert "wave 0 only" in said.err


def test_the_schema_is_printed_for_an_editor(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["profiles", "schema"]) == 0

    document = json.loads(capsys.readouterr().out)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["properties"]["profiles"]["items"]["properties"]["turning_point"]["description"]


def test_a_misspelt_profile_is_a_usage_error_with_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["profiles", "show", "keba_p30"]) == 64

    assert "keba_p30x" in capsys.readouterr().err


def test_a_sound_file_passes_the_check(capsys: pytest.CaptureFixture[str], campaign: Path) -> None:
    document = answer(capsys, "check", str(campaign / "profiles" / "acme.yaml"))

    assert document["profiles"] == ["acme_ac22"]
    assert document["problems"] == []


def test_a_bad_file_fails_the_check_with_every_problem(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(OWN.replace("impossible", "imposible").replace("${url}", "${ulr}").replace("title", "titel"))

    code = call(["profiles", "check", str(path), "--json"])

    document = json.loads(capsys.readouterr().out)
    assert code == 65
    assert [(p["line"], p["key"]) for p in document["problems"]] == [
        (3, "profiles[0].title"),
        (4, "profiles[0].titel"),
        (7, "profiles[0].rollback"),
    ]


def test_a_missing_file_is_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert call(["profiles", "check", str(tmp_path / "none.yaml")]) == 74


def test_a_campaign_with_a_bad_profile_says_so_instead_of_leaving_it_out(
    capsys: pytest.CaptureFixture[str], campaign: Path
) -> None:
    (campaign / "profiles" / "bad.yaml").write_text("schema: x\n")

    assert call(["profiles", "list", "--campaign", str(campaign)]) == 65
    assert "bad.yaml:1" in capsys.readouterr().err


def test_a_match_says_which_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    document = answer(capsys, "match", "Alfen BV", "NG910-60023", "5.8.1-4123", "--ocpp", "1.6J")

    verdicts = {verdict["profile"]: verdict for verdict in document["verdicts"]}  # type: ignore[attr-defined]
    assert document["profile"] == "alfen_fw5"
    assert document["method"] == "change_configuration"
    assert document["rollback"] == "remote"
    assert verdicts["alfen_fw6"] == {
        "profile": "alfen_fw6",
        "fits": False,
        "misses": ["firmware '5.8.1-4123' is not >=6.0"],
    }


def test_no_match_is_an_answer_too(capsys: pytest.CaptureFixture[str]) -> None:
    document = answer(capsys, "match", "Acme", "AC22", "")

    assert document["profile"] is None
    assert document["why"] == "No profile is for vendor 'Acme'."


def test_a_forgotten_argument_is_a_usage_error() -> None:
    assert call(["profiles", "match", "Acme"]) == 64


@pytest.mark.parametrize("verb", ["list", "show", "check", "match", "schema"])
def test_every_verb_explains_itself_with_an_example(verb: str) -> None:
    shown = CliRunner().invoke(profiles, [verb, "--help"])

    assert shown.exit_code == 0
    assert f"migrate profiles {verb}" in shown.output


TOLD = {
    "http": [
        "http       http://${ip}, digest with acme_web",
        "read url: GET /ocpp/config; picks config, value",
        "write url: PUT /ocpp/config; picks version; 409: not now",
        "until state is done",
    ],
    "cloud": ["bearer with acme_cloud", "login: POST /login; picks token", "restart: POST /chargers/${serial}/restart"],
    "script": [
        "script     as root with acme_ssh and acme_ssh_passphrase through the jump host",
        "write: ${script} ${key} --value=${value}",
        "copied first: acme-set.sh",
        "exit codes: 3 busy, 4 refused, 5 unknown_key",
        "restart    soft by ssh",
    ],
    "firmware": [
        "firmware   4.9, then 5.2; over https or http or ftp",
        "the address is read again after each step",
        "firmware = 5.2 (by firmware; left as it is when the rest is undone)",
    ],
    "network profiles": [
        "slots      NetworkProfile[1] and NetworkProfile[2]; OCPPCommCtrlr.NetworkConfigurationPriority = 1,2",
        "ocppCsmsUrl: ${url}",
    ],
    "slots": [
        "clean up: Prio = ${active_slot}",
        "new password: AuthorizationKey = the secret station_password, hex",
        "raise the security profile (one-way): SecurityProfile = 2",
    ],
}


@pytest.mark.parametrize("method", TOLD)
def test_a_profile_of_any_method_is_shown_in_words(
    capsys: pytest.CaptureFixture[str], campaign: Path, method: str
) -> None:
    (campaign / "profiles" / "acme.yaml").write_text(SAMPLES[method], encoding="utf-8")
    (name,) = re.findall(r"- name: (\w+)", SAMPLES[method])

    assert call(["profiles", "show", name, "--campaign", str(campaign)]) == 0

    shown = capsys.readouterr().out
    assert [line for line in TOLD[method] if line not in shown] == [], shown


@pytest.mark.parametrize("method", SAMPLES)
def test_a_profile_of_any_method_is_shown_to_programs(
    capsys: pytest.CaptureFixture[str], campaign: Path, method: str
) -> None:
    (campaign / "profiles" / "acme.yaml").write_text(SAMPLES[method], encoding="utf-8")
    (name,) = re.findall(r"- name: (\w+)", SAMPLES[method])

    document = answer(capsys, "show", name, "--campaign", str(campaign))

    assert {"restart_via", "http", "script", "firmware", "finish", "slots"} <= document.keys()


def test_durations_are_seconds_wherever_they_stand(capsys: pytest.CaptureFixture[str], campaign: Path) -> None:
    (campaign / "profiles" / "acme.yaml").write_text(SAMPLES["http"], encoding="utf-8")

    http: Any = answer(capsys, "show", "acme_web", "--campaign", str(campaign))["http"]

    assert http["timeout_s"] == 15.0
    assert http["keys"]["url"]["write"][-1]["until"]["within_s"] == 60.0
