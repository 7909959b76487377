"""Bad configuration from the outside, one golden test each: I61 to I80 of the list of bad inputs.

A typed error with file, line and key, exit code 65, nothing written, no trace;
a warning where the decision is a person's.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from migrate.cli import call
from migrate.domain.station import Station
from migrate.settings import load_settings
from tests.cli.campaigns import CAMPAIGN, campaign, planned
from tests.doubles.issuer import Issuer, Wish, key_of, signed
from tests.profiles.samples import LEAST as PROFILE

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MIGRATE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "campaign.toml").write_text(CAMPAIGN)
    (tmp_path / "campaign.toml").chmod(0o640)
    return tmp_path


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(folder: Path, capsys: Capture, command: Sequence[str]) -> str:
    """What a person reads; nothing on stdout, nothing written, no trace."""
    before = files_of(folder)
    assert call([*command, "--no-input"]) == 65
    said = capsys.readouterr()
    assert files_of(folder) == before
    assert said.out == ""
    assert "Traceback" not in said.err
    return said.err


def settings_refused(folder: Path, capsys: Capture, text: str) -> str:
    (folder / "campaign.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    return refused(folder, capsys, ["status"])


def profile_refused(folder: Path, capsys: Capture, text: str) -> str:
    """By the check of the file, and by a campaign that has it."""
    (folder / "profiles").mkdir()
    path = folder / "profiles" / "acme.yaml"
    path.write_text(text, encoding="utf-8")
    assert call(["profiles", "check", str(path)]) == 65
    checked = capsys.readouterr().out
    assert "acme.yaml" in refused(folder, capsys, ["profiles", "list"])
    assert "Traceback" not in checked
    return checked


def with_target(url: str) -> str:
    return CAMPAIGN.replace('"ws://new.example/ocpp"', f'"{url}"')


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


# ── I61 to I66: the file itself ────────────────────────────────────────────

I61 = {
    "a whole number": ("daily = 2230", "windows.daily ({file}:{line}) wants hours in quotes"),
    "one hour": ('daily = "22:30"', "windows.daily ({file}:{line}) wants hours in quotes"),
    "a TOML time": ("daily = 22:30:00", "windows.daily ({file}:{line}) wants hours in quotes"),
    "a TOML time cut short": ("daily = 22:30", "(at line {line}, column"),
    "I48 no length": ('daily = "01:00-01:00"', "windows.daily ({file}:{line}) begins and ends at the same time"),
    "I48 the whole day": ('daily = "00:00-00:00"', "windows.daily ({file}:{line}) begins and ends at the same time"),
    "I48 more than a day": ('daily = "01:00-25:00"', "windows.daily ({file}:{line}) names an hour"),
    "an hour that no day has": ('daily = "22:30-24:30"', "windows.daily ({file}:{line}) names an hour"),
}


@pytest.mark.parametrize("case", I61)
def test_i61_a_window_that_is_no_window(folder: Path, capsys: Capture, case: str) -> None:
    written, says = I61[case]
    text = CAMPAIGN + f"[windows]\n{written}\n"

    told = settings_refused(folder, capsys, text)

    assert says.format(file=folder / "campaign.toml", line=line_of(text, "daily")) in told


def test_i48_a_window_that_ends_before_it_begins_runs_over_midnight(folder: Path) -> None:
    (folder / "campaign.toml").write_text(CAMPAIGN + '[windows]\ndaily = "22:00-04:00"\n')

    daily = load_settings(folder).policy.windows.daily

    assert daily is not None
    assert (daily.begin.hour, daily.end.hour) == (22, 4)


@pytest.mark.parametrize("time", ["22:30", '"22:30"', "2230", "22:30:00"])
def test_i61_a_patience_that_is_a_time_of_day(folder: Path, capsys: Capture, time: str) -> None:
    told = profile_refused(folder, capsys, PROFILE + f"    timing: {{appear: {time}}}\n")

    assert "acme.yaml:12:" in told
    assert "profiles[0].timing.appear: This is a time with its unit. Write 90s, 5m or 4h." in told


def test_i62_the_same_key_twice_in_the_settings(folder: Path, capsys: Capture) -> None:
    text = 'name = "a"\nname = "b"\n'

    told = settings_refused(folder, capsys, text)

    assert "campaign.toml cannot be read: Cannot overwrite a value (at line 2" in told


def test_i62_the_same_key_twice_in_a_profile(folder: Path, capsys: Capture) -> None:
    told = profile_refused(folder, capsys, PROFILE + "    method: visit\n")

    assert "acme.yaml:12:5 The key 'method' appears twice." in told


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_i63_an_alias_bomb(folder: Path, capsys: Capture) -> None:
    """Nine levels of nine: 387 million leaves for who expands it."""
    told = profile_refused(folder, capsys, BOMB)

    assert "acme.yaml:1:" in told
    assert "Anchors and aliases are not used in profiles" in told


def test_i64_a_python_object(folder: Path, capsys: Capture) -> None:
    told = profile_refused(folder, capsys, f"x: !!python/object/apply:os.system ['touch {folder}/owned']\n")

    assert "acme.yaml:1:" in told
    assert "tag" in told
    assert not (folder / "owned").exists()


def test_i65_three_thousand_brackets_in_a_profile(folder: Path, capsys: Capture) -> None:
    assert "nesting" in profile_refused(folder, capsys, "[" * 3000)


@pytest.mark.parametrize("text", ["x = " + "[" * 3000, "x = " + "{a=" * 3000], ids=["lists", "tables"])
def test_i65_three_thousand_brackets_in_the_settings(folder: Path, capsys: Capture, text: str) -> None:
    assert "nested without end" in settings_refused(folder, capsys, text)


def test_i65_tables_within_tables_without_end_in_the_settings(folder: Path, capsys: Capture) -> None:
    told = settings_refused(folder, capsys, f"[{'.'.join('a' * 5000)}]\nx = 1")

    assert "is no key" in told


@pytest.mark.parametrize(
    ("text", "says"),
    [("x = " + "{a=" * 3000, "nested without end"), ("x = " + "9" * 5000, "The map is no TOML")],
    ids=["brackets", "digits"],
)
def test_i65_a_column_map_that_no_reader_can_take(folder: Path, capsys: Capture, text: str, says: str) -> None:
    (folder / "map.toml").write_text(text)
    (folder / "list.csv").write_text("identity,station\nAC-1,x\n")

    code = call(["inventory", "check", "list.csv", "--columns", "map.toml"])

    told = capsys.readouterr()
    assert code == 65, told.err
    assert says in told.out + told.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = " + "9" * 5000, "cannot be read"),
        ("name = 'a\x00b'", "cannot be read"),
        ("#" * 300_000, "larger than 256 KiB"),
        ("\udc80", "line 1 is no UTF-8 text"),
        ('name = "a"\n\n\udc80', "line 3 is no UTF-8 text"),
    ],
    ids=["a number of 5000 digits", "NUL", "too large", "no text", "no text in line 3"],
)
def test_i65_other_ways_to_break_a_reader(folder: Path, capsys: Capture, text: str, says: str) -> None:
    assert says in settings_refused(folder, capsys, text)


def test_i66_a_misspelt_key_in_the_settings(folder: Path, capsys: Capture) -> None:
    text = CAMPAIGN + "[gate]\nmax_lots = 0\n"

    told = settings_refused(folder, capsys, text)

    where = f"{folder / 'campaign.toml'}:{line_of(text, 'max_lots')}"
    assert f"gate.max_lots ({where}) is no key; did you mean gate.max_lost?" in told


def test_i66_a_misspelt_key_in_a_profile(folder: Path, capsys: Capture) -> None:
    told = profile_refused(folder, capsys, PROFILE.replace("turning_point", "turning_piont"))

    assert "acme.yaml:8:5 profiles[0].turning_piont:" in told
    assert "Did you mean turning_point?" in told


def test_i66_a_key_that_would_forge_a_line_of_the_error_is_shown_as_it_is(folder: Path, capsys: Capture) -> None:
    told = settings_refused(folder, capsys, CAMPAIGN.replace("[source]", '"a\\u001b[2J\\nb" = 1\n[source]', 1))

    assert "\x1b" not in told
    assert "is no key" in told


def test_i66_a_file_of_nonsense_is_told_in_part(folder: Path, capsys: Capture) -> None:
    told = settings_refused(folder, capsys, "".join(f"k{n} = 1\n" for n in range(9000)))

    assert len(told.splitlines()) < 60
    assert "more." in told


def test_i66_a_misspelt_profile_among_the_accepted(folder: Path, capsys: Capture) -> None:
    campaign(folder, more='[profiles.accepted]\nkeba_p30 = "bench, ann"\n')

    assert call(["plan", "make", "--no-input"]) == 65
    told = capsys.readouterr().err

    assert "profiles.accepted names 'keba_p30', which is no profile; did you mean keba_p30x?" in told


# ── I67, I68: secrets ──────────────────────────────────────────────────────

WORD = "s3cret-word"


@pytest.mark.parametrize(
    "key", ["password", "authorization_key", "AuthorizationKey", "basic_auth_password", "api_key", "token"]
)
def test_i67_a_secret_of_the_target_in_the_file(folder: Path, capsys: Capture, key: str) -> None:
    text = CAMPAIGN.replace("[target]\n", f'[target]\n{key} = "{WORD}"\n')

    told = settings_refused(folder, capsys, text)

    assert (
        f"target.{key} ({folder / 'campaign.toml'}:{line_of(text, WORD)}) is no key; secrets never stand here" in told
    )
    assert WORD not in told


@pytest.mark.parametrize(
    "url",
    [f"postgresql+psycopg://migrate:{WORD}@db/campaign", f"postgresql+psycopg://db/campaign?user=m&password={WORD}"],
)
def test_i67_a_password_in_the_address_of_the_store(folder: Path, capsys: Capture, url: str) -> None:
    text = CAMPAIGN + f'[store]\nurl = "{url}"\n'

    told = settings_refused(folder, capsys, text)

    assert f"store.url ({folder / 'campaign.toml'}:{line_of(text, WORD)}) holds a password" in told
    assert "MIGRATE_STORE_URL" in told
    assert WORD not in told


@pytest.mark.parametrize("allowed", [{}, {"MIGRATE_ALLOW_INLINE_SECRET": "1"}], ids=["environment", "allowed inline"])
def test_i67_a_password_where_it_may_be(folder: Path, allowed: dict[str, str]) -> None:
    url = f"postgresql+psycopg://migrate:{WORD}@db/campaign"
    if allowed:
        (folder / "campaign.toml").write_text(CAMPAIGN + f'[store]\nurl = "{url}"\n')

    settings = load_settings(folder, environment=allowed or {"MIGRATE_STORE_URL": url})

    assert settings.store_url == url


def test_i67_a_secret_in_a_profile(folder: Path, capsys: Capture) -> None:
    writes = f'writes: [{{key: AuthorizationKey, value: {WORD}}}, {{key: Url, value: "${{url}}"}}]'

    told = profile_refused(folder, capsys, PROFILE.replace('writes: [{key: Url, value: "${url}"}]', writes))

    assert "AuthorizationKey holds a secret, and a move changes none." in told
    assert WORD not in told


def test_i68_settings_that_everybody_may_read_are_a_caution(folder: Path, capsys: Capture) -> None:
    campaign(folder)
    (folder / "campaign.toml").chmod(0o644)

    call(["doctor", "--no-input"])

    said = capsys.readouterr().out
    assert "note  campaign.toml: everybody on this machine may read it" in said
    assert f"chmod 640 {folder / 'campaign.toml'}" in " ".join(said.split())


def test_i68_a_new_campaign_may_be_read_by_its_group_at_most(folder: Path) -> None:
    assert call(["init", "new"]) == 0

    assert not (folder / "new" / "campaign.toml").stat().st_mode & 0o007


# ── I69 to I76: addresses ──────────────────────────────────────────────────

FLEET = [Station(identity=f"ALF-{n}", vendor="Alfen BV", model="NG910-60023", firmware="5.8.1-4123") for n in range(3)]


def plan_refused(folder: Path, capsys: Capture, stations: Sequence[Station]) -> str:
    """By `plan make`, with an inventory: the settings alone cannot know."""
    text = (folder / "campaign.toml").read_text()
    campaign(folder, stations)
    (folder / "campaign.toml").write_text(text)
    assert call(["plan", "make", "--no-input"]) == 65
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert call(["plan", "show", "--no-input"]) == 65, "a plan was stored"
    capsys.readouterr()
    return said.err


@pytest.mark.parametrize("security_profile", [2, 3])
def test_i69_a_target_in_the_clear_for_stations_that_speak_tls(
    folder: Path, capsys: Capture, security_profile: int
) -> None:
    secured = [replace(station, security_profile=security_profile) for station in FLEET]

    told = plan_refused(folder, capsys, [*secured, replace(FLEET[0], identity="PLAIN", security_profile=1)])

    assert (
        "campaign.toml: target.url is ws://, but security profile 2 or 3 dials wss:// only, and 3 stations have it"
        in told
    )
    assert "('ALF-0', 'ALF-1', 'ALF-2')" in told


def test_i69_from_tls_to_the_clear_is_a_caution(folder: Path, capsys: Capture) -> None:
    campaign(folder)
    (folder / "campaign.toml").write_text(CAMPAIGN.replace("ws://legacy.example", "wss://legacy.example"))

    assert call(["plan", "make", "--no-input"]) == 0

    assert "Caution: source.url is wss:// and target.url is ws://" in capsys.readouterr().err


def test_i70_credentials_in_an_address(folder: Path, capsys: Capture) -> None:
    text = with_target(f"wss://ann:{WORD}@new.example/ocpp")

    told = settings_refused(folder, capsys, text)

    assert f"target.url ({folder / 'campaign.toml'}:{line_of(text, WORD)}) carries credentials" in told
    assert WORD not in told
    assert "ann" not in told.replace("cannot", "")


REFUSED_ADDRESSES = {
    "I71 a query": ("wss://new.example/ocpp?token=s3cret", "query or fragment"),
    "I71 a fragment": ("wss://new.example/ocpp#s3cret", "query or fragment"),
    "I71 a blank": ("wss://new.example/oc pp", "blanks"),
    "I71 a tab": ("wss://new.example/oc\\tpp", "blanks"),
    "I71 a line break": ("wss://new.example/ocpp\\nX-Evil: 1", "blanks"),
    "I71 Cyrillic in the path": ("wss://new.example/осрр", "letters outside ASCII"),
    "I71 Cyrillic in the host": ("wss://nеw.example/ocpp", "punycode"),
    "I71 template code": ("wss://new.example/{{ identity }}", "blanks"),
    "I71 braces": ("wss://new.example/{deviceId}", "no URL may hold"),
    "I72 a port beyond all ports": ("wss://new.example:99999/ocpp", "port"),
    "I72 port nought": ("wss://new.example:0/ocpp", "port"),
    "I72 a port in words": ("wss://new.example:ocpp/ocpp", "port"),
    "I72 one slash": ("ws:/new.example/ocpp", "names no host"),
    "I72 no host": ("ws:///ocpp", "names no host"),
    "I72 another scheme": ("https://new.example/ocpp", "no WebSocket address"),
    "I72 no scheme": ("new.example/ocpp", "no WebSocket address"),
    "I72 an address cut short": ("ws://127.1/ocpp", "no name and no address"),
    "I72 an address as a number": ("ws://2130706433/ocpp", "no name and no address"),
    "I72 an address in hexadecimal": ("ws://0x7f000001/ocpp", "no name and no address"),
    "I72 half an IPv6 address": ("ws://[fd00:::1]/ocpp", "host"),
    "I73 longer than any station stores": ("wss://new.example/" + "o" * 500, "longer than 512"),
    "I74 two slashes": ("wss://new.example//ocpp", "empty part"),
    "I74 two slashes at the end": ("wss://new.example/ocpp//", "empty part"),
    "I76 the metadata of a cloud": ("ws://169.254.169.254/latest", "169.254.169.254, an address that exists"),
    "I76 the same inside IPv6": ("ws://[::ffff:169.254.169.254]/latest", "an address that exists"),
    "I76 link-local": ("ws://[fe80::1]/ocpp", "an address that exists"),
    "I76 every interface": ("ws://0.0.0.0/ocpp", "an address that exists"),
    "I76 many at once": ("ws://224.0.0.1/ocpp", "an address that exists"),
}


@pytest.mark.parametrize("case", REFUSED_ADDRESSES)
def test_an_address_that_no_station_may_be_given(folder: Path, capsys: Capture, case: str) -> None:
    url, says = REFUSED_ADDRESSES[case]
    text = with_target(url)

    told = settings_refused(folder, capsys, text)

    assert says in told
    assert f"target.url ({folder / 'campaign.toml'}:{line_of(text, 'url = ') + 4})" in told
    assert "s3cret" not in told


def test_i73_longer_than_one_family_stores(folder: Path, capsys: Capture) -> None:
    (folder / "profiles").mkdir(parents=True)
    own = PROFILE.replace("${url}", "${full_url}").replace("    sources", "    max_value_length: 40\n    sources")
    (folder / "profiles" / "acme.yaml").write_text(own)
    acme = [Station(identity=f"AC-{n * '9'}", vendor="Acme", model="AC22", firmware="1.0") for n in (1, 30)]

    told = plan_refused(folder, capsys, acme)

    assert f"target.url is too long for '{acme[1].identity}': Url would hold 55 characters, acme_ac22 allows 40" in told


@pytest.mark.parametrize("ending", ["ALF-1", "alf-1/", "ALF%2D1"])
def test_i74_an_identity_that_would_be_added_twice(folder: Path, capsys: Capture, ending: str) -> None:
    (folder / "campaign.toml").write_text(with_target(f"ws://new.example/ocpp/{ending}"))

    told = plan_refused(folder, capsys, FLEET)

    assert "target.url ends with 'ALF-1', which is a station of the inventory" in told


def test_i74_one_slash_at_the_end_is_the_profiles_matter(folder: Path) -> None:
    (folder / "campaign.toml").write_text(with_target("ws://new.example/ocpp/"))

    assert str(load_settings(folder, environment={}).target.url) == "ws://new.example/ocpp/"


@pytest.mark.parametrize(
    "url",
    [
        "ws://legacy.example/ocpp",
        "ws://legacy.example/ocpp/",
        "ws://LEGACY.example:80/ocpp",
        "ws://legacy.example./ocpp",
    ],
)
def test_i75_the_target_is_where_the_stations_are(folder: Path, capsys: Capture, url: str) -> None:
    assert "source.url and target.url are the same address" in settings_refused(folder, capsys, with_target(url))


@pytest.mark.parametrize("host", ["127.0.0.1:9017", "localhost:9017", "[::1]:9017", "[::ffff:127.0.0.1]:9017"])
def test_i76_a_target_on_this_machine_is_told_before_anybody_is_touched(
    folder: Path, capsys: Capture, host: str
) -> None:
    """Right on a bench whose stations are on this machine; a person decides."""
    campaign(folder)
    at_any_port = 'upstream = "lab"\nlisten = "127.0.0.1:0"'
    (folder / "campaign.toml").write_text(with_target(f"ws://{host}/ocpp").replace('upstream = "lab"', at_any_port))

    assert call(["plan", "make", "--no-input"]) == 0
    assert "Caution: target.url is ws://" in capsys.readouterr().err
    assert call(["plan", "check", "--no-input"]) == 0
    assert re.search(r"^warning +address: target.url is ws://.* dials itself", capsys.readouterr().out, re.MULTILINE)


def test_i76_in_a_drill_loopback_is_where_everything_is(folder: Path) -> None:
    drill = '[drill]\nspeed = 30\nsince = "2026-11-20T01:00:00Z"\n'
    (folder / "campaign.toml").write_text(with_target("ws://127.0.0.1:9017/ocpp") + drill)

    assert load_settings(folder, environment={}).cautions == ()


@pytest.mark.parametrize("side", ["source", "target"])
def test_i76_no_relay_forwards_to_the_metadata_of_a_cloud(folder: Path, capsys: Capture, side: str) -> None:
    head, _, tail = CAMPAIGN.partition(f"[{side}.relay]\n")
    text = f"{head}[{side}.relay]\n" + tail.replace('upstream = "lab"', 'upstream = "ws://169.254.169.254/x"', 1)

    told = settings_refused(folder, capsys, text)

    assert f"{side}.relay.upstream ({folder / 'campaign.toml'}:{line_of(text, '169.254')}) is 169.254.169.254" in told


# ── I77 to I80 ─────────────────────────────────────────────────────────────

KEYS_OF_A_STATION = {
    "15 bytes": "a" * 30,
    "21 bytes": "a" * 42,
    "odd hexadecimal": "abc",
    "no hexadecimal": "not hexadecimal!",
    "sound": "a1" * 20,
}


@pytest.mark.parametrize("case", KEYS_OF_A_STATION)
def test_i77_no_setting_holds_the_key_of_a_station_whatever_its_shape(folder: Path, capsys: Capture, case: str) -> None:
    """Keys come from ``secrets/`` and by name alone; one in the settings is refused with its place and never repeated.

    What is found out about the shape of one that lies where it belongs: ``tests/batches/test_outlook.py``, I77.
    """
    key = KEYS_OF_A_STATION[case]
    text = CAMPAIGN + f'[credentials]\nauthorization_key = "{key}"\n'

    told = settings_refused(folder, capsys, text)

    assert f"credentials.authorization_key ({folder / 'campaign.toml'}:{line_of(text, 'authorization_key')})" in told
    assert key not in told


def signed_by_itself(*, is_authority: bool) -> bytes:
    key = key_of("alone")
    return pem(signed("Alone", key, "Alone", key, is_authority=is_authority))


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


ISSUER = Issuer("New")

NO_ROOTS: dict[str, tuple[bytes, str]] = {
    "a leaf": (pem(ISSUER.issue().certificate), "was issued by another: it is no root"),
    "a leaf that signed itself": (signed_by_itself(is_authority=False), "it may issue none"),
    "one in the middle of the chain": (pem(ISSUER.below), "was issued by another: it is no root"),
    "a bundle": (pem(ISSUER.root, ISSUER.below), "holds 2 certificates"),
    "DER": (ISSUER.root.public_bytes(Encoding.DER), "It has to be PEM"),
    "text": (b"not a certificate", "It has to be PEM"),
    "nothing": (b"", "It has to be PEM"),
    "cut short": (pem(ISSUER.root)[:200], "It has to be PEM"),
}


def with_root(folder: Path, root: bytes) -> None:
    """A planned campaign that gives its stations a root; where no backend is looked at, only the file is judged."""
    campaign(folder / "c")
    settings = folder / "c" / "campaign.toml"
    settings.write_text(settings.read_text().replace("[target]\n", '[target]\nroot = "root.pem"\n', 1))
    (folder / "c" / "root.pem").write_bytes(root)
    planned(folder / "c")


@pytest.mark.parametrize("case", NO_ROOTS)
def test_i78_what_is_no_root_certificate_is_refused_before_any_station_is_given_it(
    tmp_path: Path, capsys: Capture, case: str
) -> None:
    root, says = NO_ROOTS[case]
    with_root(tmp_path, root)

    code = call(["plan", "check", "--offline", "--campaign", str(tmp_path / "c"), "--no-input"])

    said = capsys.readouterr().err
    assert code == 65
    assert f"target.root: {tmp_path / 'c' / 'root.pem'} " in said
    assert says in said
    assert "Traceback" not in said
    assert_unwell(tmp_path / "c", capsys, says)


def assert_unwell(folder: Path, capsys: Capture, says: str) -> None:
    call(["doctor", "--json", "--campaign", str(folder), "--no-input"])
    told = next(one for one in json.loads(capsys.readouterr().out)["findings"] if one["what"] == "target.root")
    assert not told["well"]
    assert says in told["said"] + (told["hint"] or "")


def test_i78_a_root_that_has_ended_is_unwell(tmp_path: Path, capsys: Capture) -> None:
    key, over = key_of("alone"), Wish(names=(), begins=-timedelta(days=900), lasts=-timedelta(days=1))
    with_root(tmp_path, pem(signed("Alone", key, "Alone", key, wish=over, is_authority=True)))

    assert_unwell(tmp_path / "c", capsys, "has ended on")


@pytest.mark.parametrize(
    "root", [pem(ISSUER.root), pem(ISSUER.root).replace(b"\n", b"\r\n")], ids=["as it comes", "CRLF"]
)
def test_i78_a_sound_root_is_taken_with_any_line_ends(tmp_path: Path, capsys: Capture, root: bytes) -> None:
    with_root(tmp_path, root)

    assert call(["plan", "check", "--offline", "--campaign", str(tmp_path / "c"), "--no-input"]) == 0
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("code", ["{{ 7*7 }}", "{% for x in y %}", "${url}{{ config }}", "{{''.__class__}}"])
def test_i79_template_code_in_a_profile(folder: Path, capsys: Capture, code: str) -> None:
    told = profile_refused(folder, capsys, PROFILE.replace("${url}", code))

    assert "acme.yaml:10:" in told
    assert "profiles[0].writes[0].value: Template code is not run here. Only ${name} is filled in." in told
    assert "49" not in told


@pytest.mark.parametrize("blank", ["", " ", "\t\n"], ids=["empty", "blank", "white"])
def test_i80_a_variable_that_is_set_and_empty_counts_as_not_set(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    campaign(folder)
    for name in ("MIGRATE_TARGET_URL", "MIGRATE_GATE_MAX_LOST", "MIGRATE_NAME", "MIGRATE_PROFILES_ACCEPTED"):
        monkeypatch.setenv(name, blank)

    assert call(["plan", "make", "--no-input"]) == 0
    assert load_settings(folder).origins["gate.max_lost"] == "default"


def test_i80_a_secret_that_is_set_and_empty_is_none(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty key would hash every driver's tag with nothing."""
    campaign(folder)
    monkeypatch.setenv("MIGRATE_SECRET_IDTAG_KEY", "")

    assert call(["doctor", "--no-input"]) == 1

    assert "LOOK  secrets: The secret idtag_key is nowhere." in capsys.readouterr().out


def test_i80_an_empty_folder_variable_means_the_folder_one_is_in(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign(folder)
    monkeypatch.setenv("MIGRATE_CAMPAIGN", "")

    assert call(["plan", "make", "--no-input"]) == 0


def test_a_variable_with_a_wrong_value_is_named_by_its_own_name(
    folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATE_GATE_SOAK", "long")

    assert "gate.soak (MIGRATE_GATE_SOAK) wants a duration" in refused(folder, capsys, ["status"])
