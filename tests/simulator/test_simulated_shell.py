"""The shell of a simulated station is as gullible as a real one: what is not quoted is carried out."""

from __future__ import annotations

import pytest

from migrate.simulator.shell import Shell


class Folder(dict[str, bytes]):
    """A flat file system; what ends in .sh may be run."""

    def read(self, path: str) -> bytes:
        if path not in self:
            raise FileNotFoundError(path)
        return self[path]

    def write(self, path: str, content: bytes) -> None:
        self[path] = content

    def move(self, old: str, new: str) -> None:
        self[new] = self.read(old)
        del self[old]

    def remove(self, path: str) -> None:
        del self[path]

    def has(self, path: str) -> bool:
        return path in self

    def is_executable(self, path: str) -> bool:
        return path.endswith(".sh")


@pytest.mark.parametrize(
    "line",
    [
        "echo x; touch /canary",
        "echo x && touch /canary",
        "false || touch /canary",
        "echo x | touch /canary",
        "echo x & touch /canary",
        "echo x\ntouch /canary",
        "echo $(touch /canary)",
        "echo `touch /canary`",
        'echo "$(touch /canary)"',
        "echo x > /canary",
        "sh -c 'touch /canary'",
    ],
)
def test_what_a_hostile_value_brings_unquoted_is_carried_out(line: str) -> None:
    files = Folder()

    Shell(files, {}).run(line)

    assert "/canary" in files


@pytest.mark.parametrize(
    "line",
    [
        "echo 'x; touch /canary'",
        "echo '$(touch /canary)'",
        "echo '`touch /canary`' ';' touch /canary",
        r"echo \$\(touch /canary\)",
        "echo 'x'\"'\"'; touch /canary'",
    ],
)
def test_what_stands_in_quotes_is_text(line: str) -> None:
    files = Folder()

    said = Shell(files, {}).run(line)

    assert "/canary" not in files
    assert "canary" in said.out


def test_a_script_takes_its_arguments_and_ends_with_its_own_code() -> None:
    script = b'#!/bin/sh\ntest -f "/kept/$1" || exit 12\nprintf \'%s\\n%s\\n\' "$2" "$(sed -n 2p /kept/$1)" > /new\nmv /new /kept/$1\n'
    files = Folder({"/set.sh": script, "/kept/url": b"old\n7\n"})

    stored = Shell(files, {}).run("/set.sh url 'new one'")
    unknown = Shell(files, {}).run("/set.sh other x")

    assert (stored.code, files["/kept/url"]) == (0, b"new one\n7\n")
    assert unknown.code == 12


def test_an_unquoted_variable_falls_apart_at_blanks_and_a_quoted_one_does_not() -> None:
    said = Shell(Folder({"/n.sh": b"echo $#"}), {}).run('v="a b"; /n.sh $v; /n.sh "$v"')

    assert said.out == "2\n1\n"
