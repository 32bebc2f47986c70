"""What is wrong with a policy file, and where: `FILE:LINE: reason`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a file with this finding can be used."""

    REFUSED = "refused"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `rule` is the id of the rule it is about, if it is about one."""

    line: int
    reason: str
    rule: str | None = None
    severity: Severity = Severity.REFUSED

    def at(self, file: str) -> str:
        """Return the finding as one line."""
        subject = f"{self.rule}: " if self.rule is not None else ""
        return f"{file}:{self.line}: {subject}{self.reason}"


class BadPolicy(Exception):
    """A policy file that cannot be used, with all that is wrong with it."""

    def __init__(self, file: str, findings: Iterable[Finding]) -> None:
        """Keep the findings in the order of their lines."""
        self.file = file
        self.findings = tuple(sorted(findings, key=lambda finding: finding.line))
        super().__init__("\n".join(finding.at(file) for finding in self.findings))


class Places:
    """Finds the lines of rules, tests and keys in the text of a file: the TOML reader itself tells none.

    A rule is found by its id, a test by its order, a key by its name inside of them; where that fails the line is that
    of the nearest thing that was found.
    """

    def __init__(self, text: str) -> None:
        """Number the lines."""
        self._lines = [_without_comment(line) for line in text.splitlines()]
        self._starts = {name: self._entries(name) for name in ("rule", "test")}

    def of_key(self, key: str) -> int:
        """Return the line of a key at the top of the file, else of the first such key anywhere."""
        end, name = len(self._lines), re.escape(key)
        return self._first(rf"^\s*\[*\s*{name}\b", 0, end) or self._first(rf"\b{name}\s*=", 0, end) or 1

    def of_entry(self, kind: str, index: int, word: str | None = None) -> int:
        """Return the line of the n-th rule or test, or of a word inside of it."""
        starts = self._starts[kind]
        if index >= len(starts):
            return self.of_key(kind)
        start = starts[index]
        others = [other for entries in self._starts.values() for other in entries if other > start]
        end = min(others, default=len(self._lines))
        inside = self._first(rf"(?<![\w-]){re.escape(word)}(?![\w-])", start, max(end, start + 1)) if word else None
        return inside or start + 1

    def _entries(self, kind: str) -> list[int]:
        """Return where the entries begin: [[rule]] blocks, or inline tables, one a line."""
        blocks = [at for at, line in enumerate(self._lines) if re.match(rf"\s*\[\[\s*{kind}\s*\]\]", line)]
        if blocks:
            return blocks
        begin = self._first(rf"^\s*{kind}\s*=\s*\[", 0, len(self._lines))
        if begin is None:
            return []
        entries, depth = [], 0
        for at in range(begin - 1, len(self._lines)):
            for sign in re.findall(r'"(?:\\.|[^"\\])*"|\'[^\']*\'|[\[\]{}]', self._lines[at]):
                if sign == "{" and depth == 1:
                    entries.append(at)
                depth += (sign in ("[", "{")) - (sign in ("]", "}"))
            if depth <= 0:
                break
        return entries

    def _first(self, pattern: str, start: int, end: int) -> int | None:
        return next((at + 1 for at in range(start, end) if re.search(pattern, self._lines[at])), None)


def _without_comment(line: str) -> str:
    return re.sub(r"""^((?:[^"'#]|"(?:\\.|[^"\\])*"|'[^']*')*)#.*""", r"\1", line)
