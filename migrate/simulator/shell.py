"""The shell of a simulated station: small, and as gullible as a real one.

Quotes, variables, command substitution, lists, pipes' ends and redirection as
POSIX has them (Shell & Utilities, chapter 2), over a handful of commands and
the files of one station.  Whatever an unquoted value brings is carried out,
so that a toolkit that quotes badly is seen doing it.  Nothing here touches
the machine that it runs on.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from posixpath import basename
from typing import Protocol

from migrate.simulator.shell_text import Word, closing, past_double, past_parenthesis, past_word_part, printed

TOKEN = re.compile(r"""(?P<end>;;?|&&?|\|\|?|\n)|(?P<to>>>?)|(?P<blank>[ \t]+)|(?P<comment>(?:(?<=\s)|^)\#[^\n]*)""")
NAME = re.compile(r"\{(\w+)\}|([A-Za-z_]\w*|\d|[#?@*])")
DEEPEST = 8
NOT_FOUND, NOT_ALLOWED = 127, 126


class Files(Protocol):
    """The file system of one station."""

    def read(self, path: str) -> bytes: ...

    def write(self, path: str, content: bytes) -> None: ...

    def move(self, old: str, new: str) -> None: ...

    def remove(self, path: str) -> None: ...

    def has(self, path: str) -> bool: ...

    def is_executable(self, path: str) -> bool: ...


class Exited(Exception):
    """``exit`` was called."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left: its exit code, and what it printed."""

    code: int = 0
    out: str = ""
    err: str = ""


Program = Callable[[list[str]], Said]


class Shell:
    """One command line, from its text to its exit code."""

    def __init__(self, files: Files, programs: Mapping[str, Program], depth: int = 0) -> None:
        self._files = files
        self._programs = {**self._own(), **programs}
        self._given = programs
        self._depth = depth
        self._names: dict[str, str] = {}
        self._err = ""

    def run(self, line: str, arguments: tuple[str, ...] = ()) -> Said:
        """Carry out every command of a text; the last one's exit code, and all that was printed."""
        self._names |= {str(number): text for number, text in enumerate(arguments)}
        self._names |= {"#": str(max(0, len(arguments) - 1)), "@": " ".join(arguments[1:]), "?": "0"}
        out, code = "", 0
        try:
            for joint, words, target in self._commands(line):
                if (joint == "&&" and code != 0) or (joint == "||" and code == 0):
                    continue
                said = self._one(words())
                code = said.code
                self._names["?"] = str(code)
                self._err += said.err
                if target is None:
                    out += said.out
                else:
                    self._files.write(target(), said.out.encode())
        except Exited as exited:
            code = exited.code
        return Said(code, out, self._err)

    # ── reading ────────────────────────────────────────────────────────────

    def _commands(self, line: str) -> list[tuple[str, Callable[[], list[str]], Callable[[], str] | None]]:
        """Each simple command with what joins it to the one before; its words are expanded when its turn comes."""
        commands = []
        joint, spans, target, at, begin = ";", list[str](), "", 0, 0
        is_target = False
        while at <= len(line):
            found = TOKEN.match(line, at) if at < len(line) else None
            if at < len(line) and found is None:
                at = past_word_part(line, at)
                continue
            if begin < at:
                if is_target:
                    target, is_target = line[begin:at], False
                else:
                    spans.append(line[begin:at])
            if found is None or found["end"]:
                if spans:
                    commands.append((joint, self._expander(spans), self._target(target)))
                joint, spans, target = (found["end"] if found else ";"), [], ""
            elif found["to"]:
                is_target = True
            at = begin = found.end() if found else at + 1
        return commands

    def _expander(self, spans: list[str]) -> Callable[[], list[str]]:
        return lambda: [word for span in spans for word in self._expanded(span)]

    def _target(self, span: str) -> Callable[[], str] | None:
        return (lambda: "".join(self._expanded(span))) if span else None

    def _expanded(self, span: str) -> list[str]:
        """The words that one raw word becomes: unquoted values fall apart at blanks."""
        word, at = Word(), 0
        while at < len(span):
            at = self._take(span, at, word)
        return [*word.parts, word.text] if word.text or word.is_quoted else word.parts

    def _take(self, span: str, at: int, word: Word) -> int:
        mark = span[at]
        if mark == "'":
            end = closing(span, at + 1, "'")
            word.text, word.is_quoted = word.text + span[at + 1 : end], True
            return end + 1
        if mark == '"':
            end = past_double(span, at) - 1
            word.text, word.is_quoted = word.text + self._within_quotes(span[at + 1 : end]), True
            return end + 1
        if mark == "\\":
            word.text += span[at + 1 : at + 2]
            return at + 2
        if mark in "$`":
            value, end = self._value(span, at)
            if value is None:
                word.text += mark
                return at + 1
            first, *more = re.split(r"[ \t\n]+", value)
            word.text += first
            for one in more:
                word.parts.append(word.text)
                word.text = one
            return end
        word.text += mark
        return at + 1

    def _within_quotes(self, text: str) -> str:
        out, at = "", 0
        while at < len(text):
            if text[at] == "\\" and text[at + 1 : at + 2] in ("$", "`", '"', "\\"):
                out, at = out + text[at + 1], at + 2
            elif text[at] in "$`":
                value, end = self._value(text, at)
                out, at = (out + text[at], at + 1) if value is None else (out + value, end)
            else:
                out, at = out + text[at], at + 1
        return out

    def _value(self, text: str, at: int) -> tuple[str | None, int]:
        """What ``$name``, ``$(…)`` or a pair of backticks stands for, and where it ends."""
        if text[at] == "`":
            end = closing(text, at + 1, "`")
            return self._substituted(text[at + 1 : end]), end + 1
        if text.startswith("$(", at):
            end = past_parenthesis(text, at + 1)
            return self._substituted(text[at + 2 : end - 1]), end
        if found := NAME.match(text, at + 1):
            return self._names.get(found[1] or found[2], ""), found.end()
        return None, at

    def _substituted(self, line: str) -> str:
        if self._depth >= DEEPEST:
            return ""
        inner = Shell(self._files, self._given, self._depth + 1)
        inner._names = dict(self._names)
        said = Shell.run(inner, line, tuple(self._names.get(str(n), "") for n in range(int(self._names["#"]) + 1)))
        self._err += said.err
        return said.out.rstrip("\n")

    # ── carrying out ───────────────────────────────────────────────────────

    def _one(self, words: list[str]) -> Said:
        while words and (found := re.fullmatch(r"(\w+)=(.*)", words[0], re.DOTALL)):
            self._names[found[1]] = found[2]
            words = words[1:]
        if not words:
            return Said()
        if words[0] in ("sh", "/bin/sh") and words[1:2] == ["-c"]:
            return self._nested(words[2] if len(words) > 2 else "", tuple(words[3:]) or ("sh",))
        if words[0] in ("sh", "/bin/sh"):
            words = words[1:]
        if not words:
            return Said()
        program = self._programs.get(basename(words[0]))
        if program is not None:
            return self._tried(program, words)
        if not self._files.has(words[0]):
            return Said(NOT_FOUND, err=f"sh: {words[0]}: not found\n")
        if not self._files.is_executable(words[0]):
            return Said(NOT_ALLOWED, err=f"sh: {words[0]}: Permission denied\n")
        return self._nested(self._files.read(words[0]).decode("utf-8", "replace"), tuple(words))

    def _nested(self, text: str, arguments: tuple[str, ...]) -> Said:
        if self._depth >= DEEPEST:
            return Said(1, err="sh: too deep\n")
        return Shell(self._files, self._given, self._depth + 1).run(text, arguments)

    def _tried(self, program: Program, words: list[str]) -> Said:
        try:
            return program(words[1:])
        except FileNotFoundError as error:
            return Said(1, err=f"{basename(words[0])}: {error}: No such file or directory\n")
        except PermissionError as error:
            return Said(1, err=f"{basename(words[0])}: {error}: Permission denied\n")
        except (IndexError, ValueError):
            return Said(2, err=f"{basename(words[0])}: usage\n")

    def _own(self) -> dict[str, Program]:
        read = self._text
        return {
            ":": lambda _: Said(),
            "true": lambda _: Said(),
            "false": lambda _: Said(1),
            "set": lambda _: Said(),
            "sync": lambda _: Said(),
            "exit": self._exit,
            "echo": lambda words: Said(out=" ".join(words) + "\n"),
            "printf": lambda words: Said(out=printed(words)),
            "cat": lambda words: Said(out="".join(read(path) for path in words if path != "--")),
            "head": self._head,
            "sed": self._sed,
            "test": self._test,
            "touch": self._touch,
            "mv": self._move,
            "rm": self._remove,
            "sha256sum": lambda words: Said(
                out=f"{hashlib.sha256(self._files.read(words[-1])).hexdigest()}  {words[-1]}\n"
            ),
        }

    def _text(self, path: str) -> str:
        return self._files.read(path).decode("utf-8", "replace")

    def _move(self, words: list[str]) -> Said:
        self._files.move(words[-2], words[-1])
        return Said()

    def _remove(self, words: list[str]) -> Said:
        for path in words:
            if not path.startswith("-"):
                self._files.remove(path)
        return Said()

    def _touch(self, words: list[str]) -> Said:
        for path in words:
            self._files.write(path, b"")
        return Said()

    @staticmethod
    def _exit(words: list[str]) -> Said:
        raise Exited(int(words[0]) if words else 0)

    def _head(self, words: list[str]) -> Said:
        """``head -n N FILE``."""
        return Said(out="".join(self._text(words[-1]).splitlines(keepends=True)[: int(words[1])]))

    def _sed(self, words: list[str]) -> Said:
        """``sed -n Np FILE``: one line of a file, and nothing else of what sed can."""
        number = int(words[-2].removesuffix("p"))
        return Said(out="".join(self._text(words[-1]).splitlines(keepends=True)[number - 1 : number]))

    def _test(self, words: list[str]) -> Said:
        match words:
            case [("-f" | "-e"), path]:
                return Said(0 if self._files.has(path) else 1)
            case ["-n", text]:
                return Said(0 if text else 1)
            case [one, "=", other]:
                return Said(0 if one == other else 1)
            case [one, "!=", other]:
                return Said(0 if one != other else 1)
        return Said(2, err="test: usage\n")
