"""Files that people open: whole, or as they were; and only in forms that this release writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate.cli.drafts import drafted, require_form
from migrate.domain.errors import SettingsProblem

FORMS = (".html", ".xlsx", ".json")


def test_a_file_appears_whole_in_a_folder_that_was_not_there(tmp_path: Path) -> None:
    out = tmp_path / "weekly" / "progress.html"

    with drafted(out) as draft:
        draft.write_text("new")

    assert out.read_text() == "new"
    assert [file.name for file in out.parent.iterdir()] == ["progress.html"]


def test_a_renderer_that_gives_up_leaves_what_was_there_and_no_draft(tmp_path: Path) -> None:
    out = tmp_path / "progress.html"
    out.write_text("old")

    with pytest.raises(ZeroDivisionError), drafted(out) as draft:
        draft.write_text(str(1 / 0))

    assert out.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["progress.html"]


def test_who_looks_while_it_is_drawn_sees_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "progress.html"
    out.write_text("old")

    with drafted(out) as draft:
        draft.write_text("half of it")
        seen = out.read_text()

    assert (seen, out.read_text()) == ("old", "half of it")


@pytest.mark.parametrize("name", ["a.html", "A.XLSX", "a.b.json"])
def test_a_form_that_is_written_passes_whatever_its_case(name: str) -> None:
    require_form(Path(name), FORMS)


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("crews.pdf", "crews.pdf: PDF comes with a later release", "Write crews.html and print it"),
        ("crews.docx", "crews.docx: this release writes .html, .xlsx and .json.", "for example crews.json"),
        ("crews", "crews: this release writes .html, .xlsx and .json.", "for example crews.json"),
    ],
    ids=["pdf", "unknown", "no ending"],
)
def test_a_form_that_is_not_written_is_refused_with_those_that_are(name: str, said: str, hint: str) -> None:
    with pytest.raises(SettingsProblem) as refused:
        require_form(Path(name), FORMS)

    assert said in str(refused.value)
    assert hint in refused.value.hint
