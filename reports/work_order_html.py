"""Work orders as pages to print: a run sheet, then a page for each order.

Drawn from a ``migrate.work_orders/1`` document and from nothing else.  The
pages fetch nothing and run nothing, everything in them is escaped, and they
are legible in black and white, on A4 and on Letter.  The foot of each page
carries its order's number, revision and hash, and how many pages there are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from migrate.domain.visit import Result
from reports.page import page
from reports.times import local
from reports.work_order_words import BACK, PHOTOGRAPHS, SAFETY

SHOWN_DIGEST = 12


def work_orders_html(document: dict[str, Any]) -> str:
    """The pages of one document."""
    return page(
        "work_order.html",
        "work_order.css",
        own_rules=_feet(document),
        d=document,
        printed=local(datetime.fromisoformat(document["at"]), ZoneInfo(document["timezone"])),
        safety=SAFETY,
        photographs=PHOTOGRAPHS,
        results=[result.value for result in Result],
        back=BACK,
        shown=SHOWN_DIGEST,
    )


def _feet(document: dict[str, Any]) -> str:
    """One page rule per site and order.  Only what we made ourselves goes into it: numbers and hexadecimal digits."""
    stops = len(document["sites"])
    rules = [_foot(f"stop{stop}", f"Site sheet · stop {stop} of {stops}") for stop in range(1, stops + 1)]
    for order in (order for site in document["sites"] for order in site["orders"]):
        number, revision = int(order["number"]), int(order["revision"])
        foot = f"WO-{number:04d} · revision {revision} · data {order['digest'][:SHOWN_DIGEST]}"
        rules.append(_foot(f"wo{number}", foot))
    return "\n".join(rules)


def _foot(page_name: str, says: str) -> str:
    return f'.{page_name} {{ page: {page_name} }} @page {page_name} {{ @bottom-left {{ content: "{says}" }} }}'
