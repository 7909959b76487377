"""A page that needs nothing but itself: no script, no font, no image is fetched, and its own policy forbids it.

Everything in it is escaped, and every string passes :func:`reports.words.display`
on its way out, so that no template can forget one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from reports.rates import percent
from reports.words import display


def page(template: str, *styles: str, own_rules: str = "", **facts: Any) -> str:
    """A template of this package filled with facts, its style sheets within it under a policy that allows no other.

    ``own_rules`` are styles made for this page alone, from numbers and hashes of ours and never from data.
    """
    return "".join(pieces(template, *styles, own_rules=own_rules, **facts))


def pieces(template: str, *styles: str, own_rules: str = "", **facts: Any) -> Iterator[str]:
    """The same piece by piece, for a page that may be long."""
    rules = "".join(_source(style) for style in styles) + own_rules
    return (
        _environment()
        .get_template(template)
        .generate(
            **facts,
            style=Markup(rules),  # noqa: S704  our own files, never data
            style_hash="sha256-" + base64.b64encode(hashlib.sha256(rules.encode()).digest()).decode(),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_fit_to_show,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.filters["signed"] = lambda value: f"{value:+,}"
    environment.filters["percent"] = lambda ratio: percent(ratio["numerator"], ratio["denominator"])
    environment.filters["chance"] = lambda value: "–" if value is None else percent(round(value * 10_000), 10_000)
    return environment


def _fit_to_show(value: Any) -> Any:
    return display(value, limit=2000) if isinstance(value, str) and not isinstance(value, Markup) else value


def _source(name: str) -> str:
    return (files("reports") / "templates" / name).read_text(encoding="utf-8")
