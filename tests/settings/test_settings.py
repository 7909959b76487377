"""campaign.toml: every key, every origin, and everything that is wrong at once."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from migrate.domain.errors import SettingsProblem
from migrate.domain.policy import Daily, Freeze, Policy, Share
from migrate.settings import Settings, load_settings
from migrate.settings.keys import KEYS, TABLES
from migrate.settings.kinds import LATER
from tests.settings.campaigns import LEAST

EVERYTHING = """
name = "cutover-2026"
timezone = "Europe/Amsterdam"
[store]
url = "sqlite:///elsewhere.db"
[source]
url = "ws://legacy.example/ocpp"
channel = "relay"
witness = "relay"
last_transaction = 81204
[source.relay]
listen = "127.0.0.1:9116"
upstream = "wss://legacy-internal:8443/ocpp"
certificate = "tls/source.pem"
key = "tls/source.key"
client_ca = "tls/stations.pem"
client_crl = "tls/revoked.pem"
takes_plain = true
upstream_ca = "tls/legacy-root.pem"
upstream_certificate = "tls/relay.pem"
upstream_key = "/etc/migrate/relay.key"
[target]
url = "wss://new.example/ocpp"
witness = "relay"
channel = "relay"
root = "tls/new-root.pem"
known = "identities.txt"
knock_as = "TEST-1"
longest_identity = 36
first_transaction = 100000
[target.relay]
listen = "[::1]:9117"
upstream = "wss://new-internal:8443/ocpp"
certificate = ["tls/rsa.pem", "tls/ec.pem"]
key = ["tls/rsa.key", "tls/ec.key"]
client_ca = "tls/stations.pem"
client_crl = "tls/revoked.pem"
takes_plain = false
upstream_ca = "tls/new-root.pem"
upstream_certificate = "tls/relay.pem"
upstream_key = "/etc/migrate/relay.key"
[waves]
canary_per_profile = 3
sizes = [10, 50, "10%", "rest"]
batch_size = 100
[caps]
stations = 50
per_site_share = 0.25
per_model = 20
per_apn = 30
[gate]
min_confirmed = "95%"
max_failed = 4
max_failed_share = "7%"
max_lost = 1
max_without_effect = 1
min_sample = 6
soak = "45m"
approval_from_wave = 2
[windows]
daily = "01:00-05:00"
freeze = ["2026-12-24/2026-12-27", "2027-01-01"]
[timeouts]
check = "1m"
write = "3m"
restart = "6m"
appear = "21m"
arrive = "22m"
undo = "7m"
idle = "5h"
settle = "90s"
grace = "4m"
defer = "10d"
[retries]
attempts = 5
backoff = "8m"
[deadline]
legacy_switch_off = "2026-12-31"
[profiles.accepted]
keba_p30x = "bench run of 2026-11-18, ann"
[firmware]
store = "files"
rate = "2 Mbit/s"
share = "site"
at_once = 2
listen = "0.0.0.0:8443"
url = "https://files.example:8443/"
certificate = "tls/files.pem"
key = "tls/files.key"
ftp_listen = "0.0.0.0:2121"
ftp_url = "ftp://192.0.2.10:2121"
ftp_ports = "50000-50099"
[checks.accepted]
root-new = "installed by the portal, ann"
[ssh]
port = 2222
threads = 4
known_hosts = "trusted/hosts"
jump = "ops@10.0.0.1:2200"
jump_secret = "router"
jump_key = "router_key"
[http]
port = 8080
at_once = 4
ca = "tls/clouds.pem"
[http.bases]
"https://api.easee.com" = "https://127.0.0.1:8443"
[http.users]
easee_cloud = "fleet@cpo.example"
[drill]
speed = 30
since = "2026-11-20T01:00:00Z"
"""


def settings_of(folder: Path, text: str, **more: Any) -> Settings:
    (folder / "campaign.toml").write_text(text, encoding="utf-8")
    return load_settings(folder, **({"environment": {"PATH": "/bin"}} | more))


def problem_of(folder: Path, text: str, **more: Any) -> str:
    with pytest.raises(SettingsProblem) as caught:
        settings_of(folder, text, **more)
    return str(caught.value)


def test_the_least_that_can_be_said_gives_the_defaults_of_the_contract(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, LEAST)

    assert settings.policy == Policy()
    assert settings.store_url == f"sqlite:///{tmp_path / 'campaign.db'}"
    assert not settings.drill.is_on
    assert (settings.source.relay.port, settings.target.relay.port) == (9016, 9017)


def test_every_key_that_there_is_can_be_said_and_is_heeded(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, EVERYTHING)

    policy = settings.policy
    assert (policy.waves.canary_per_profile, policy.waves.batch_size) == (3, 100)
    assert policy.waves.sizes == (10, 50, Share(0.1), None)
    assert (policy.caps.stations, policy.caps.per_model, policy.caps.per_apn) == (50, 20, 30)
    assert policy.caps.per_site_share == Share(0.25)
    assert (policy.gate.min_confirmed, policy.gate.max_failed_share) == (Share(0.95), Share(0.07))
    assert (policy.gate.max_failed, policy.gate.max_lost, policy.gate.min_sample) == (4, 1, 6)
    assert (policy.gate.soak, policy.gate.approval_from_wave) == (timedelta(minutes=45), 2)
    assert policy.windows.daily == Daily(begin=time(1), end=time(5))
    assert policy.windows.freeze == (
        Freeze(first=date(2026, 12, 24), last=date(2026, 12, 27)),
        Freeze(first=date(2027, 1, 1), last=date(2027, 1, 1)),
    )
    assert policy.windows.timezone == "Europe/Amsterdam"
    assert policy.timeouts.settle == timedelta(seconds=90)
    assert (policy.timeouts.idle, policy.timeouts.defer) == (timedelta(hours=5), timedelta(days=10))
    assert (policy.retries.attempts, policy.retries.backoff) == (5, timedelta(minutes=8))
    assert policy.legacy_switch_off == date(2026, 12, 31)
    assert policy.accepted == {"keba_p30x": "bench run of 2026-11-18, ann"}
    assert settings.source.relay.takes_plain
    assert settings.source.relay.upstream_key == Path("/etc/migrate/relay.key")
    assert settings.target.relay.certificates == (tmp_path / "tls" / "rsa.pem", tmp_path / "tls" / "ec.pem")
    assert settings.source.relay.keys == (tmp_path / "tls" / "source.key",)
    assert settings.firmware.bases == {"https": "https://files.example:8443", "ftp": "ftp://192.0.2.10:2121"}
    assert settings.firmware.store == tmp_path / "files"
    assert settings.firmware.certificate == tmp_path / "tls" / "files.pem"
    assert (settings.firmware.rate, settings.firmware.share, settings.firmware.at_once) == (250_000, "site", 2)
    assert len(settings.firmware.ftp_ports or ()) == 100
    assert settings.target.root == tmp_path / "tls" / "new-root.pem"
    assert (settings.target.relay.host, settings.target.relay.port) == ("::1", 9117)
    assert settings.drill.since == datetime(2026, 11, 20, 1, tzinfo=UTC)
    assert settings.store_url == f"sqlite:///{tmp_path / 'elsewhere.db'}"


def test_the_list_above_leaves_no_key_out() -> None:
    def flat(tree: dict[str, Any], prefix: str = "") -> set[str]:
        names: set[str] = set()
        for key, value in tree.items():
            is_section = isinstance(value, dict) and prefix + key not in TABLES
            names |= flat(value, f"{prefix}{key}.") if is_section else {prefix + key}
        return names

    assert flat(tomllib.loads(EVERYTHING)) == set(KEYS)


@pytest.mark.parametrize("key", sorted(k for k in KEYS if k not in ("store.url", "name")))
def test_a_senseless_value_is_refused_with_the_name_of_its_key(tmp_path: Path, key: str) -> None:
    text = problem_of(tmp_path, LEAST, flags={key: {"senseless": True}})

    assert f"{key} (flag)" in text


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("gate.max_lots = 0", "gate.max_lost"),
        ("timeouts.settel = '1m'", "timeouts.settle"),
        ("waves.size = [1]", "waves.sizes"),
        ("target.relay.upstreem = 'lab'", "target.relay.upstream"),
    ],
)
def test_an_unknown_key_is_an_error_that_says_what_was_meant(tmp_path: Path, written: str, meant: str) -> None:
    text = problem_of(tmp_path, f"{written}\n{LEAST}" if not written.startswith("target") else LEAST + written[7:])

    assert f"did you mean {meant}?" in text


def test_a_key_that_resembles_nothing_is_named_without_a_guess(tmp_path: Path) -> None:
    text = problem_of(tmp_path, "zzzz = 1\n" + LEAST)

    assert "zzzz" in text
    assert "did you mean" not in text


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[wave]\ncanaries = 1", "[waves]"),
        ("[tiemouts]\nx = '1m'", "[timeouts]"),
        ("max_lost = 0", "gate.max_lost"),
        ("[caps]\nsettle = '1m'", "timeouts.settle"),
    ],
)
def test_a_key_in_a_wrong_place_is_told_the_right_one(tmp_path: Path, written: str, meant: str) -> None:
    text = problem_of(tmp_path, f"{written}\n{LEAST}")

    assert f"did you mean {meant}?" in text


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("MIGRATE_GATE_MAX_LOTS", "MIGRATE_GATE_MAX_LOTS is no setting; did you mean MIGRATE_GATE_MAX_LOST?"),
        ("MIGRATE_TIMEOUTS_ARIVE", "MIGRATE_TIMEOUTS_ARIVE is no setting; did you mean MIGRATE_TIMEOUTS_ARRIVE?"),
        ("MIGRATE_TARGET_PASSWORD", "MIGRATE_TARGET_PASSWORD is no setting; secrets never stand here"),
    ],
)
def test_a_misspelt_variable_of_a_section_is_refused_like_a_misspelt_key(
    tmp_path: Path, variable: str, told: str
) -> None:
    text = problem_of(tmp_path, LEAST, environment={variable: "hunter2hunter2"})

    assert told in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    "variable",
    ["MIGRATE_USER", "MIGRATE_CAMPAIGN", "MIGRATE_SECRET_GATE", "MIGRATE_DSN", "MIGRATE_GATEWAY", "GATE_SOAK"],
)
def test_variables_that_are_no_settings_of_a_section_are_left_alone(tmp_path: Path, variable: str) -> None:
    settings = settings_of(tmp_path, LEAST, environment={variable: "x"})

    assert settings.policy == Policy()


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = problem_of(tmp_path, 'nam = "x"\n[gate]\nmax_lost = -1\nsoak = "long"\n[windows]\ndaily = "25:00-03:00"\n')

    for key in ("nam ", "name is missing", "source.url is missing", "gate.max_lost", "gate.soak", "windows.daily"):
        assert key in text


@pytest.mark.parametrize("adapter", sorted(LATER))
@pytest.mark.parametrize("side", ["source", "target"])
def test_an_adapter_of_a_later_release_is_refused_by_name_and_says_what_there_is(
    tmp_path: Path, side: str, adapter: str
) -> None:
    for port in ("channel", "witness"):
        text = problem_of(tmp_path, LEAST, flags={f"{side}.{port}": adapter})

        assert f'{side}.{port} (flag) is "{adapter}", which this release does not have yet; it has relay' in text


def test_an_adapter_that_nobody_ever_heard_of_is_refused_otherwise(tmp_path: Path) -> None:
    assert "known here: relay" in problem_of(tmp_path, LEAST, flags={"source.channel": "pigeon"})


def test_flags_come_before_the_environment_before_the_file_before_defaults_and_each_says_where_from(
    tmp_path: Path,
) -> None:
    environment = {"MIGRATE_GATE_MAX_LOST": "2", "MIGRATE_GATE_SOAK": "10m", "MIGRATE_CAPS_STATIONS": "7"}

    settings = settings_of(
        tmp_path,
        LEAST + "[gate]\nmax_lost = 1\nmax_failed = 9\nsoak = '1h'\n",
        environment=environment,
        flags={"gate.soak": "5m"},
    )

    assert settings.policy.gate.soak == timedelta(minutes=5)
    assert settings.policy.gate.max_lost == 2
    assert settings.policy.gate.max_failed == 9
    assert settings.policy.caps.stations == 7
    assert settings.origins["gate.soak"] == "flag"
    assert settings.origins["gate.max_lost"] == "environment"
    assert settings.origins["gate.max_failed"] == str(tmp_path / "campaign.toml")
    assert settings.origins["gate.min_sample"] == "default"


def test_every_key_has_an_origin(tmp_path: Path) -> None:
    assert set(settings_of(tmp_path, LEAST).origins) == set(KEYS)


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("MIGRATE_WAVES_SIZES", '[5, "rest"]', "waves.sizes", (5, None)),
        ("MIGRATE_GATE_MIN_CONFIRMED", '"90%"', "gate.min_confirmed", Share(0.9)),
        ("MIGRATE_GATE_MIN_CONFIRMED", "90%", "gate.min_confirmed", Share(0.9)),
        ("MIGRATE_WINDOWS_DAILY", "22:00-04:00", "windows.daily", Daily(begin=time(22), end=time(4))),
        ("MIGRATE_DEADLINE_LEGACY_SWITCH_OFF", "2026-12-31", "deadline.legacy_switch_off", date(2026, 12, 31)),
        ("MIGRATE_TIMEZONE", "Europe/Oslo", "timezone", "Europe/Oslo"),
    ],
)
def test_the_environment_may_write_a_value_as_the_file_would_or_bare(
    tmp_path: Path, name: str, text: str, key: str, value: object
) -> None:
    settings = settings_of(tmp_path, LEAST, environment={name: text})

    assert settings.values[key] == value


def test_a_variable_that_is_set_and_empty_counts_as_not_set(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, LEAST, environment={"MIGRATE_GATE_MAX_LOST": " "})

    assert settings.origins["gate.max_lost"] == "default"


def test_variables_that_are_no_keys_are_no_errors(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, LEAST, environment={"MIGRATE_CAMPAIGN": "/somewhere", "MIGRATE_GATES": "1"})

    assert set(settings.origins.values()) == {"default", str(tmp_path / "campaign.toml")}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"gate.min_confirmed": "101%"}, "0 % to 100 %"),
        ({"gate.min_confirmed": True}, "a share"),
        ({"gate.max_lost": True}, "a whole number"),
        ({"gate.soak": "30"}, "a duration"),
        ({"gate.soak": 30}, "a duration"),
        ({"windows.freeze": ["2026-12-27/2026-12-24"]}, "ends before it begins"),
        ({"windows.freeze": "2026-12-24"}, "a list"),
        ({"timezone": "Europe/Atlantis"}, "no IANA time zone"),
        ({"timezone": "../etc/passwd"}, "no IANA time zone"),
        ({"source.relay.listen": "9016"}, "host:port"),
        ({"source.relay.listen": "127.0.0.1:99999"}, "host:port"),
        ({"target.url": "https://new.example"}, "no WebSocket address"),
        ({"waves.sizes": []}, "a list"),
        ({"waves.sizes": [0]}, "a whole number from 1"),
        ({"drill.since": "2026-11-20T01:00:00"}, "with its zone"),
        ({"drill.speed": 0}, "above 0"),
    ],
)
def test_a_wrong_value_says_what_was_wanted(tmp_path: Path, wrong: dict[str, Any], says: str) -> None:
    assert says in problem_of(tmp_path, LEAST, flags=wrong)


@pytest.mark.parametrize(
    ("accepted", "says"),
    [
        ({"keba_p30x": " "}, "no reason for keba_p30x"),
        ({"keba_p30x": 1}, "no reason for keba_p30x"),
        ({"keba_p30x": "x" * 501}, "longer than 500"),
        ({"keba_p30x": "ann\x1b[31m"}, "not printable"),
        ({"Keba P30": "bench, ann"}, "no name of a profile"),
        ("keba_p30x", "wants a table"),
    ],
    ids=["blank", "a number", "too long", "an escape sequence", "no name", "no table"],
)
def test_a_profile_is_accepted_with_a_reason_or_not_at_all(tmp_path: Path, accepted: Any, says: str) -> None:
    assert says in problem_of(tmp_path, LEAST, flags={"profiles.accepted": accepted})


def test_profiles_can_be_accepted_in_the_environment_as_well(tmp_path: Path) -> None:
    environment = {"MIGRATE_PROFILES_ACCEPTED": '{keba_p30x = "bench, ann"}'}

    assert settings_of(tmp_path, LEAST, environment=environment).policy.accepted == {"keba_p30x": "bench, ann"}


def test_credentials_in_an_address_are_refused_and_not_repeated(tmp_path: Path) -> None:
    text = problem_of(tmp_path, LEAST, flags={"target.url": "wss://ann:s3cret@new.example/ocpp"})

    assert "credentials" in text
    assert "s3cret" not in text


def test_a_relay_that_forwards_to_itself_is_refused(tmp_path: Path) -> None:
    text = problem_of(tmp_path, LEAST, flags={"source.relay.upstream": "ws://127.0.0.1:9016/ocpp"})

    assert "run in a circle" in text


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"target.relay.certificate": "a.pem"}, "target.relay.key is not"),
        ({"target.relay.key": "a.key"}, "target.relay.certificate is not"),
        ({"target.relay.client_ca": "ca.pem"}, "this door speaks no TLS"),
        ({"target.relay.client_crl": "crl.pem"}, "no certificate of a station is taken"),
        (
            {"target.relay.certificate": ["a.pem", "b.pem"], "target.relay.key": "a.key"},
            "names 2 and target.relay.key 1",
        ),
        ({"target.relay.certificate": []}, "wants a file, or a list"),
        ({"source.relay.certificate": "a.pem", "source.relay.key": "a.key"}, "source.url is ws://"),
        ({"target.relay.upstream_ca": "ca.pem"}, "is not wss://"),
        ({"source.relay.takes_plain": "yes"}, "true or false"),
    ],
)
def test_tls_that_was_set_up_in_part_is_refused(tmp_path: Path, given: dict[str, Any], says: str) -> None:
    assert says in problem_of(tmp_path, LEAST, flags=given)


def test_the_two_sides_must_differ(tmp_path: Path) -> None:
    same = {"target.url": "ws://legacy.example/ocpp", "target.relay.listen": "127.0.0.1:9016"}

    text = problem_of(tmp_path, LEAST, flags=same)

    assert "same address" in text
    assert "same port" in text


def test_ports_that_the_system_chooses_may_look_the_same(tmp_path: Path) -> None:
    both = {"source.relay.listen": "127.0.0.1:0", "target.relay.listen": "127.0.0.1:0"}

    assert settings_of(tmp_path, LEAST, flags=both).target.relay.port == 0


def test_a_folder_without_a_campaign_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsProblem, match="migrate init"):
        load_settings(tmp_path)


@pytest.mark.parametrize("damage", [b'name = "x', b"\xff\xfe\x00", b"[gate\n"])
def test_a_damaged_file_is_named_with_the_place(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "campaign.toml").write_bytes(damage)

    with pytest.raises(SettingsProblem, match="cannot be read"):
        load_settings(tmp_path)


@pytest.mark.parametrize("url", ["postgresql+psycopg://db.example/fleet", "sqlite:////var/lib/fleet.db"])
def test_a_store_elsewhere_is_taken_as_it_is_written(tmp_path: Path, url: str) -> None:
    assert settings_of(tmp_path, LEAST, flags={"store.url": url}).store_url == url


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("[gate]\nsoak = 30\n", 13),
        ("[gate]  # a comment\n\n  soak   =   30\n", 14),
        ("[ gate ]\n'soak' = 30\n", 13),
        ("[gate]\nmax_lost = 0\n# soak = 1\nsoak = 30\n", 15),
    ],
    ids=["plain", "blanks and a comment", "quoted", "after others"],
)
def test_a_wrong_key_is_named_with_its_line(tmp_path: Path, written: str, line: int) -> None:
    text = LEAST.replace('name = "cutover"\n', 'name = "cutover"\n\n') + written

    assert f"gate.soak ({tmp_path / 'campaign.toml'}:{line}) wants a duration" in problem_of(tmp_path, text)


def test_a_dotted_key_has_its_line_too(tmp_path: Path) -> None:
    assert f"gate.soak ({tmp_path / 'campaign.toml'}:1) wants" in problem_of(tmp_path, "gate.soak = 30" + LEAST)


def test_a_key_inside_an_inline_table_is_named_without_a_line(tmp_path: Path) -> None:
    assert f"gate.soak ({tmp_path / 'campaign.toml'}) wants" in problem_of(tmp_path, "gate = {soak = 30}" + LEAST)


def growth(work: Callable[[int], object], size: int) -> float:
    """How many times as much processor time four times as much text takes: 4 if it grows evenly, 16 by the square."""

    def least_s(length: int) -> float:
        spent = []
        for _ in range(5):
            begun = process_time()
            work(length)
            spent.append(process_time() - begun)
        return min(spent)

    return least_s(4 * size) / least_s(size)


@pytest.mark.parametrize("shape", ["[{}", "[{}x", "{}=", "x{}", "'{}"])
def test_a_line_of_a_quarter_of_a_megabyte_takes_no_more_than_its_length(tmp_path: Path, shape: str) -> None:
    assert growth(lambda length: problem_of(tmp_path, shape.format(" " * length)), 62_500) < 10


def test_an_address_of_many_colons_takes_no_more_than_its_length(tmp_path: Path) -> None:
    def read(length: int) -> None:
        settings_of(tmp_path, LEAST + f'[store]\nurl = "sqlite:///{":" * length}"\n')

    assert growth(read, 50_000) < 10


def test_a_file_from_notepad_is_read(tmp_path: Path) -> None:
    (tmp_path / "campaign.toml").write_bytes(b"\xef\xbb\xbf" + LEAST.replace("\n", "\r\n").encode())

    assert load_settings(tmp_path, environment={}).name == "cutover"


@settings_of_hypothesis(deadline=None)
@given(st.text(max_size=400))
def test_no_text_breaks_the_reader(text: str) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "campaign.toml").write_bytes(text.encode("utf-8", "surrogatepass"))

        with pytest.raises(SettingsProblem):  # the least that must be said is never said by chance
            load_settings(folder, environment={})


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('rate = "fast"', "64 kB/s"),
        ('rate = "1 B/s"', "no firmware ever arrives"),
        ('listen = "0.0.0.0:80"', "firmware.listen and firmware.url go together"),
        ('ftp_listen = "0.0.0.0:21"\nftp_url = "ftp://u:p@files.example"', "address without a path"),
        ('listen = "0.0.0.0:80"\nurl = "http://files.example/path"', "address without a path"),
        ('listen = "0.0.0.0:80"\nurl = "http://f.example"\ncertificate = "a.pem"', "certificate and firmware.key"),
        ('listen = "0.0.0.0:80"\nurl = "http://f.example"\ncertificate = "a"\nkey = "b"', "write https://"),
        ('ftp_ports = "9-1"', "50000-50099"),
        ('share = "country"', "known here: apn, site"),
    ],
)
def test_firmware_that_no_station_could_fetch_is_refused_with_its_key(tmp_path: Path, lines: str, said: str) -> None:
    assert said in problem_of(tmp_path, f"{LEAST}\n[firmware]\n{lines}\n")


@pytest.mark.parametrize(
    ("accepted", "says"),
    [
        ("all of them", "wants a table"),
        ({"root-nwe": "ann"}, "did you mean root-new?"),
        ({"certificate-wildcard": "ann"}, "no finding that stops or excludes"),
        ({"root-new": "  "}, "gives no reason for root-new"),
    ],
    ids=["no table", "misspelt", "only a warning", "blank reason"],
)
def test_a_finding_is_accepted_with_a_reason_or_not_at_all(tmp_path: Path, accepted: Any, says: str) -> None:
    assert says in problem_of(tmp_path, LEAST, flags={"checks.accepted": accepted})


def test_what_is_known_of_the_target_reaches_the_checks(tmp_path: Path) -> None:
    checks = settings_of(tmp_path, EVERYTHING).checks

    assert checks.known == tmp_path / "identities.txt"
    assert (checks.knock_as, checks.longest_identity) == ("TEST-1", 36)
    assert (checks.last_on_source, checks.first_on_target) == (81204, 100_000)
    assert checks.accepted == {"root-new": "installed by the portal, ann"}
