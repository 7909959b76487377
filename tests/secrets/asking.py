"""Many commands of the program in one process, each as if it were alone: a start of the interpreter for every question takes minutes.

Run as a script, by the tests only.  Calls come in on stdin as JSON, what each
said goes out on stdout.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

from migrate.adapters import confided
from migrate.cli import call


def said(words: list[str]) -> dict[str, Any]:
    """What one call left behind; it knows of no secret that an earlier one was given."""
    confided._confided.clear()
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = call(words)
    return {"code": int(code), "out": out.getvalue(), "err": err.getvalue()}


if __name__ == "__main__":
    print(json.dumps([said(words) for words in json.load(sys.stdin)]))
