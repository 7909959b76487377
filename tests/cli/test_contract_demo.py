"""``migrate demo`` from a shell, and every other verb on the campaign that it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from migrate.cli import call

pytestmark = pytest.mark.story
Capture = pytest.CaptureFixture[str]


def migrate(*arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "migrate", *arguments]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MIGRATE_")}
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env=environment,
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One small demonstration with a refusal in it, as a script would call it."""
    out = tmp_path_factory.mktemp("demo") / "campaign"
    done = migrate(
        *("demo", "--stations", "12", "--faults", "read_only_key", "--methods", "change_configuration"),
        *("--speed", "90", "--out", str(out), "--json"),
    )
    return out, done


def document(shown: tuple[Path, subprocess.CompletedProcess[str]]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shown[1].stdout)
    return found


def test_it_ends_well_and_its_document_has_every_published_key(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, done = shown

    told = document(shown)

    assert done.returncode == 0, done.stderr
    status = {"campaign", "fingerprint", "mode", "totals", "waves", "incidents"}
    own = {"by_method", "out", "seed", "wall_s", "floor_s", "makespan_ratio", "reports", "wire"}
    assert set(told) == {"schema"} | status | own
    assert told["schema"] == "migrate.demo/1"
    assert told["by_method"] == {"change_configuration": 12}
    assert (told["totals"]["settled"], told["totals"]["failed"]) == (11, 1)
    assert set(told["wire"]) == {"boots_on_target", "commands_sent", "commands_repeated_without_read"}
    assert told["wire"]["boots_on_target"] >= 11
    assert told["wire"]["commands_repeated_without_read"] == 0
    assert Path(told["out"]) == out
    assert {Path(p) for p in told["reports"]} == {
        out / "reports" / f"progress.{form}" for form in ("html", "json", "xlsx")
    }
    assert all(Path(p).stat().st_size > 1000 for p in told["reports"])
    assert told["floor_s"] > 0
    assert told["makespan_ratio"] >= 0.9


def test_talk_is_on_stderr_names_the_policy_and_has_no_colour(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    done = shown[1]

    assert "Policy of the demonstration: soak 2 min" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_what_it_started_it_ends(shown: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out = shown[0]

    commands = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if _is_readable(p)]

    assert not [c for c in commands if str(out).encode() in c]
    assert not (out / "listen.sock").exists()


def _is_readable(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True


def test_the_folder_is_an_ordinary_campaign(
    shown: tuple[Path, subprocess.CompletedProcess[str]], capsys: Capture
) -> None:
    out = shown[0]

    def asked(*arguments: str, code: int = 0) -> dict[str, Any]:
        capsys.readouterr()
        assert call([*arguments, "--campaign", str(out), "--json"]) == code
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    status = asked("status", "--stations")
    failed = next(s["identity"] for s in status["stations"] if s["state"] == "failed")
    assert status["totals"] == document(shown)["totals"]
    assert asked("station", failed)["state"] == "failed"
    assert asked("plan", "show", "--exit-code")["approved_by"] == "migrate demo"
    assert asked("inventory", "census")["stations"] == 12
    assert asked("report", "progress")["totals"] == status["totals"]
    assert asked("run")["fingerprint"] == status["fingerprint"]
    assert call(["explain", failed, "--campaign", str(out)]) == 0
    assert "refused" in capsys.readouterr().out
    assert call(["demo", "--out", str(out)]) == 65
    assert not (out / "campaign.toml").stat().st_mode & 0o007  # as `init` makes it: `doctor` has nothing to note


def test_a_second_run_finds_nothing_to_do_and_ends_with_a_summary(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    out, told = shown[0], document(shown)
    listener = subprocess.Popen(
        [sys.executable, "-m", "migrate", "listen", "--campaign", str(out)], stderr=subprocess.PIPE, text=True
    )
    assert listener.stderr is not None
    assert listener.stderr.readline().startswith("Listening for")
    try:
        done = migrate("run", "--plan", told["fingerprint"], "--yes", "--json", "--campaign", str(out))
    finally:
        listener.send_signal(signal.SIGTERM)
        listener.communicate(timeout=20)

    last = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 1, done.stderr  # one station failed
    assert last["schema"] == "migrate.status/1"
    assert last["totals"] == told["totals"]
    assert "# 1 failed, reverted, stuck or lost" in (out / "left_behind" / "newest.txt").read_text()
    assert all(json.loads(line)["schema"] == "migrate.event/1" for line in done.stdout.splitlines()[:-1])
    assert listener.returncode == 0
