"""``migrate init``: a new campaign folder."""

from __future__ import annotations

import json
from pathlib import Path

import click

from migrate.adapters.vault import IDTAG_KEY, LINK_KEY, FileVault
from migrate.cli.options import Context, common_options
from migrate.domain.errors import SettingsProblem
from migrate.settings import FILE_NAME
from reports.words import display

TEMPLATE = """\
# A campaign of fleet-migrate.  Every key and its default: docs/settings.md; where each value came from: `migrate doctor`.
name = {name}
timezone = "UTC"                          # windows are in each site's own zone; this one is for sites that name none

[source]                                  # the CSMS the stations dial today
url = "ws://legacy.example/ocpp"          # the address stations have; their identity follows
[source.relay]
listen = "127.0.0.1:9016"                 # where the relay takes their connections
upstream = "ws://legacy-internal:8080/ocpp"

[target]                                  # the CSMS they shall dial
url = "wss://new.example/ocpp"
[target.relay]
listen = "127.0.0.1:9017"
upstream = "ws://new-internal:8080/ocpp"

[waves]
canary_per_profile = 2
sizes = [10, 50, "10%", "25%", "rest"]

[gate]
min_confirmed = "98%"
max_failed_share = "5%"
max_lost = 0
soak = "30m"

[windows]
daily = "01:00-05:00"
freeze = []                               # e.g. ["2026-12-24/2026-12-27"]

# [profiles.accepted]                     # below "bench" a profile stays in wave 0, unless a person accepts it: why, who, when
# keba_p30x = "moved there and back on our bench, A. Visser, 2026-11-18"

# [deadline]
# legacy_switch_off = "2026-12-31"
"""


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@common_options
def init(context: Context, folder: Path) -> None:
    """Make a campaign folder: campaign.toml, its database, an inventory template.

    \b
    migrate init cutover-2026
    """
    from migrate.adapters.spreadsheet import template_csv  # noqa: PLC0415 - slow to load, and only this verb writes one
    from migrate.wiring import open_store_of  # noqa: PLC0415 - as above

    if (folder / FILE_NAME).exists():
        raise SettingsProblem(f"{folder} is a campaign already.", hint="Choose another folder, or go on with that one.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE_NAME).touch(mode=0o640)
    (folder / FILE_NAME).write_text(TEMPLATE.format(name=_toml(folder.resolve().name)), encoding="utf-8")
    (folder / "inventory-template.csv").write_bytes(template_csv())
    for name in (IDTAG_KEY, LINK_KEY):
        FileVault(folder / "secrets").make(name)
    open_store_of(folder)
    context.say(f"Made {folder}: {FILE_NAME}, campaign.db, inventory-template.csv.")
    context.say(
        f"Next: write both addresses into {folder / FILE_NAME}, then `migrate inventory import FILE --campaign {folder}`."
    )


def _toml(text: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's."""
    return json.dumps(display(text) or "campaign", ensure_ascii=False)
