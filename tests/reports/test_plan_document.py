"""``migrate.plan/1`` as other programs rely on it."""

from __future__ import annotations

from datetime import UTC, datetime

from migrate.domain.bandwidth import Freight
from migrate.domain.profile import Method, Rollback
from migrate.domain.record import Approval
from migrate.domain.wave import Excluded, Plan, PlannedStation, Wave
from reports.plan import freight_lines, plan_document, plan_lines


def planned(identity: str, profile: str, method: Method, rollback: Rollback, *, batch: int = 1) -> PlannedStation:
    return PlannedStation(
        identity=identity,
        wave=0,
        batch=batch,
        profile=profile,
        method=method,
        rollback=rollback,
        site="mall",
        kind="a|b|c",
    )


PLAN = Plan(
    fingerprint="f00d",
    waves=(
        Wave(
            number=0,
            stations=(
                planned("A", "alfen6", Method.CHANGE_CONFIGURATION, Rollback.REMOTE),
                planned("B", "growatt", Method.CHANGE_CONFIGURATION, Rollback.IMPOSSIBLE, batch=2),
                planned("C", "abb", Method.VISIT, Rollback.VISIT, batch=2),
                planned("D", "", Method.VISIT, Rollback.VISIT, batch=2),
            ),
            notes=("raised from 1 to 4: never smaller than the wave before",),
        ),
    ),
    excluded=(Excluded(identity="Z", reason="hold: \x1b[31mcourt"),),
)


def approval(wave: int | None, by: str, fingerprint: str = "f00d") -> Approval:
    return Approval(fingerprint=fingerprint, wave=wave, by=by, at=datetime(2026, 11, 20, tzinfo=UTC))


def test_the_document_has_the_published_fields_and_counts() -> None:
    document = plan_document(PLAN, with_stations=True)

    assert document == {
        "schema": "migrate.plan/1",
        "fingerprint": "f00d",
        "approved_by": None,
        "waves": [
            {
                "number": 0,
                "size": 4,
                "batches": 2,
                "by_profile": {"abb": 1, "alfen6": 1, "growatt": 1, "unmatched": 1},
                "by_method": {"change_configuration": 2, "visit": 2},
                "by_rollback": {"impossible": 1, "remote": 1, "visit": 2},
                "sites": 1,
                "one_way": 3,
                "notes": ["raised from 1 to 4: never smaller than the wave before"],
            }
        ],
        "manual": 2,
        "unmatched": 1,
        "excluded": [{"identity": "Z", "reason": "hold: \x1b[31mcourt"}],
        "stations": [
            {"identity": "A", "wave": 0, "profile": "alfen6", "method": "change_configuration"},
            {"identity": "B", "wave": 0, "profile": "growatt", "method": "change_configuration"},
            {"identity": "C", "wave": 0, "profile": "abb", "method": "visit"},
            {"identity": "D", "wave": 0, "profile": None, "method": "visit"},
        ],
    }


def test_stations_and_changes_appear_only_when_asked_for() -> None:
    assert not {"stations", "changes"} & set(plan_document(PLAN))
    assert plan_document(PLAN, changes=[])["changes"] == []


def test_only_an_approval_of_this_plan_as_a_whole_names_its_approver() -> None:
    others = [approval(0, "jan"), approval(None, "eve", "another")]

    assert plan_document(PLAN, approvals=others)["approved_by"] is None
    assert plan_document(PLAN, approvals=[*others, approval(None, "maria")])["approved_by"] == "maria"


def test_people_read_the_same_counts_and_no_escape_sequence_reaches_their_terminal() -> None:
    text = "\n".join(plan_lines(PLAN))

    assert "4 stations in 1 wave, 2 by hand, 3 one-way, 1 left alone" in text
    assert "raised from 1 to 4" in text
    assert "\x1b" not in text


def test_what_has_to_be_loaded_is_told_by_group_the_longest_first_and_no_more_than_five() -> None:
    groups = [
        Freight(group=f"apn:{n}", stations=9, files=18, size_bytes=3_600_000, duration_s=7500.0 - n, unknown=n)
        for n in range(7)
    ]

    lines = freight_lines(groups)
    document = plan_document(PLAN, freight=groups)

    assert lines[0].startswith("firmware: 63 stations load 126 files, 25.2 MB")
    assert "2 h 5 min  apn:0: 9 stations, 18 files, 3.6 MB" in lines[1]
    assert lines[2].endswith("and 1 for which there is no file")
    assert lines[-1].strip() == "and 2 groups more"
    assert document["transfers"][0]["size_bytes"] == 3_600_000
    assert freight_lines([]) == []
