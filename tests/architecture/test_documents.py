"""Documents that say what the code says: verbs, words, settings, the attempt table, links."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from batches.outlook import BLOCKING
from batches.plan import _covered
from migrate import __version__
from migrate.cli import VERBS
from migrate.cli.exits import Exit
from migrate.domain.attempt import State
from migrate.domain.policy import Policy, Share
from migrate.domain.wave import Mode, WaveState
from migrate.settings.keys import KEYS, MISSING
from tests.architecture.generated import PARTS, renewed
from tests.architecture.house import ROOT, modules

DOCS = ROOT / "docs"

WORDS = (
    "station", "identity", "serial", "CSMS", "source", "target", "profile", "channel", "witness", "attempt", "campaign",
    "wave", "batch", "canary", "gate", "checks", "soak", "sighting", "journal", "event", "record", "window", "freeze",
    "work order", "proof level", "turning point", "one-way",
)  # fmt: skip
"""The words of the house; each has its line in the glossary."""

NOT_OUR_WORDS = {"charger", "chargers", "chargebox", "evse", "rollout", "pilot", "bake", "maturity", "plugin", "ticket"}
"""Those the glossary replaces and that have no other meaning in code."""


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


# ── exit codes ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", Exit, ids=str)
def test_every_exit_code_is_documented(code: Exit) -> None:
    assert re.search(rf"^\| {code.value} \| \S", text_of("cli.md"), re.MULTILINE)


# ── what is found in a plan ────────────────────────────────────────────────


def test_the_manual_lists_exactly_the_findings_that_a_plan_can_have() -> None:
    code = re.compile(r"""(?:code=|_about\(\s*)"([a-z-]+)\"""")
    sources = [ROOT / "batches" / "findings.py", ROOT / "migrate" / "cli" / "plan_check.py"]
    used = {found for source in sources for found in code.findall(source.read_text("utf-8"))}
    table = text_of("plan.md").partition("## Findings")[2].partition("\n## ")[0]

    told = {
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`([a-z-]+)`", row)
    }

    assert told == used


def test_the_manual_lists_exactly_the_findings_that_the_checks_can_have() -> None:
    code = re.compile(r"""(?:code=|(?:_stop|_warning|about|_away)\(\s*)"([a-z-]+)\"""")
    used = {
        found for source in (ROOT / "batches").glob("outlook*.py") for found in code.findall(source.read_text("utf-8"))
    }
    used |= {"source-away", "way-lacking", "not-as-planned", "ssh-unreached", "http-unreached"}
    table = text_of("checks.md").partition("## The list")[2].partition("\n## ")[0]

    told = {
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`([a-z-]+)`", row)
    }

    assert told == used
    assert BLOCKING | {"nobody-left"} <= told


# ── words ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_house_is_in_the_glossary(word: str) -> None:
    assert re.search(rf"^\| \*\*{re.escape(word)}\*\*", text_of("glossary.md"), re.MULTILINE)


@pytest.mark.parametrize("state", State, ids=str)
def test_every_state_of_an_attempt_is_in_the_glossary(state: State) -> None:
    assert re.search(rf"^\| \*?{state.value}\*? \| \S", text_of("glossary.md"), re.MULTILINE)


def test_every_state_of_a_wave_and_mode_of_a_campaign_is_in_the_glossary() -> None:
    last = text_of("glossary.md").rpartition("## ")[2]

    missing = [value for value in (*WaveState, *Mode) if not re.search(rf"\b{value.value}\b", last)]

    assert not missing


def named(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Every name that a module gives: functions, classes, arguments, variables, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def words_in(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def test_no_name_in_the_code_uses_a_word_that_the_glossary_replaces() -> None:
    wrong = [
        f"{m.path}:{line} {name}" for m in modules() for line, name in named(m.tree) if words_in(name) & NOT_OUR_WORDS
    ]

    assert not wrong


# ── settings ───────────────────────────────────────────────────────────────


def environment_name(key: str) -> str:
    return "MIGRATE_" + key.replace(".", "_").upper()


def default_text(key: str) -> str:
    """A default as one writes it into campaign.toml."""
    default = KEYS[key][1]
    return "required" if default is MISSING else "none" if default is None else f"`{_toml(key, default)}`"


def _toml(key: str, value: Any) -> str:
    if key == "firmware.rate":
        return json.dumps(f"{value / 1000:g} kB/s")
    if isinstance(value, Path):
        return json.dumps(str(value))
    if key.endswith(".listen"):
        return json.dumps(f"{value[0]}:{value[1]}")
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(key, one) for one in value)}]"
    if isinstance(value, timedelta):
        return json.dumps(_span(value))
    return json.dumps("rest" if value is None else str(value) if isinstance(value, Share) else value)


def _span(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    unit, size = next((u, s) for u, s in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)) if seconds % s == 0)
    return f"{seconds // size}{unit}"


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_is_documented_with_its_default_and_its_variable(key: str) -> None:
    (row,) = [line for line in text_of("settings.md").splitlines() if line.startswith(f"| `{key}` |")]

    _, _, default, variable, _, meaning, _ = (cell.strip() for cell in row.split("|"))

    assert default == default_text(key)
    assert variable == f"`{environment_name(key)}`"
    assert meaning


def is_covered(key: str) -> bool:
    """Whether another value of this setting gives the plan another fingerprint."""
    if key in ("source.url", "target.url"):  # by migrate.wiring, as the addresses of the move
        return True
    section, _, name = {"timezone": "windows.timezone"}.get(key, key).partition(".")
    policy = Policy()
    if section == "deadline":
        return _covered(policy) != _covered(replace(policy, legacy_switch_off=object()))  # type: ignore[arg-type]
    if section not in {field.name for field in fields(Policy)}:
        return False
    other = replace(getattr(policy, section), **{name: object()})
    return _covered(policy) != _covered(replace(policy, **{section: other}))


@pytest.mark.parametrize("key", KEYS)
def test_what_makes_a_plan_stale_is_marked_in_the_settings(key: str) -> None:
    (row,) = [line for line in text_of("settings.md").splitlines() if line.startswith(f"| `{key}` |")]

    assert (row.split("|")[4].strip() == "F") is is_covered(key)


def test_no_setting_is_documented_that_does_not_exist() -> None:
    keys = re.findall(r"^\| `([a-z_.]+)` \|.*`MIGRATE_(?!SECRET)", text_of("settings.md"), re.MULTILINE)

    assert set(keys) == set(KEYS)


# ── the rest ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part[1])
def test_what_is_made_from_the_code_is_in_step_with_it(part: tuple[str, str, str]) -> None:
    now, should = renewed(*part, PARTS[part]())

    assert now == should, "Renew it with: python -m tests.architecture.generated"


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "SECURITY.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))

    dead = [link for link in links if "://" not in link and not (page.parent / link).exists()]

    assert not dead


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_into_a_page_finds_its_heading(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8"))

    dead = [f"{file}#{at}" for file, at in links if at not in anchors(page.parent / file if file else page)]

    assert not dead


@pytest.mark.parametrize("page", pages()[1:], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_page_is_linked_from_another(page: Path) -> None:
    linking = [other for other in pages() if other != page and page.name in other.read_text(encoding="utf-8")]

    assert linking


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_that_a_page_tells_to_type_exist(page: Path) -> None:
    """In code, ``migrate WORD`` is a verb of this release."""
    text = page.read_text(encoding="utf-8")
    code = re.findall(r"```(?:sh|console|text)?\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text)

    typed = {verb for piece in code for verb in re.findall(r"^(?:\.venv/bin/)?migrate ([a-z]+)", piece, re.MULTILINE)}

    assert typed <= set(VERBS)


def test_each_decision_has_one_page_that_says_what_it_costs() -> None:
    for page in sorted((DOCS / "adr").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        assert re.match(r"\d{4}-[a-z0-9-]+\.md", page.name)
        for heading in ("## Situation", "## Decision", "## What follows"):
            assert heading in text, f"{page.name} has no {heading!r}"
        assert len(text.splitlines()) <= 60, f"{page.name} is more than a page"


def test_the_changelog_knows_this_version() -> None:
    assert f"## [{__version__}]" in text_of("changelog.md") or "## [Unreleased]" in text_of("changelog.md")
