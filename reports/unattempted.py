"""Why nothing was tried at a station yet: the wave it waits in, and what that wave waits for."""

from __future__ import annotations

from migrate.domain.wave import Standing, WaveState
from reports.redaction import redact
from reports.words import WAVE_STATES, command, display

_SHOWN = 16  # characters of a fingerprint: as many as a plan shows to be typed


def never_attempted(identity: str, standing: Standing | None, excluded: str = "") -> str:
    """The answer for a station of the inventory that no attempt was opened at; ``excluded`` is the plan's reason."""
    why, following, way = _outside_a_plan(standing, excluded)
    if standing and (waits := _in_a_wave(identity, standing)):
        why, following, way = waits
    return (
        f"{display(identity)} has not been attempted.\n\n"
        f"Why\n  - {why}\n\n"
        f"What happens next\n  - {following}\n\n"
        f"What you can do\n  - What it waits for:\n      {way}\n"
        "  - See where it is planned or why it is excluded:\n      migrate plan show --stations\n"
    )


def _outside_a_plan(standing: Standing | None, excluded: str) -> tuple[str, str, str]:
    following = "Nothing, until a plan that holds it is approved and run."
    if standing is None:
        return "There is no plan yet.", following, "migrate plan make"
    if excluded:
        reason = display(redact(excluded)).rstrip(".")
        following = "Nothing, until it is imported without that, and a plan that holds it is approved and run."
        return f"The plan leaves it alone: {reason}.", following, "migrate inventory import FILE"
    return "It is not in the plan: it came into the inventory later.", following, "migrate plan make"


def _in_a_wave(identity: str, standing: Standing) -> tuple[str, str, str] | None:
    number = next((one.wave for one in standing.stations if one.identity == identity), None)
    wave = next((one for one in standing.waves if one.number == number), None)
    if wave is None:
        return None
    word, plan = WAVE_STATES[wave.state], display(standing.fingerprint)[:_SHOWN]
    return (
        f"It is planned for wave {wave.number}, which is {word.label}. {word.sentence}",
        "Its checks run when its wave is open, its window too, and a place under the caps is free.",
        command("plan", "approve", plan, "--wave", str(wave.number))
        if wave.state is WaveState.WAITING
        else f"migrate run --plan {plan}",
    )
