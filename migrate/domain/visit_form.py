"""The form that goes out with work orders and comes back filled in: its sheets and columns.

Whoever writes the workbook and whoever judges what comes back read the same
names here.
"""

from __future__ import annotations

SHEET, META = "Return", "_meta"
"""The sheet that the crew fills in, and the hidden one by which a file is known again."""

ORDER = "Order"
LOCKED = (ORDER, "Revision", "Site", "Station", "Equipment", "Why")
BY_CREW = ("Result", "Technician", "Date", "Time in", "Time out", "Notes")
"""The columns: ours, which come back as they went out, and the crew's."""

CAMPAIGN_KEY = "campaign_key"
"""The name, in the hidden sheet, of what tells this campaign from all others."""

LONGEST_NOTE = 2_000
