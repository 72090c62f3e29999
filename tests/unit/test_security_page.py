"""The security pages keep their word.

- each test that they name exists: in Python, or in Solidity under tests/forge/
- a test whose name several files have is named with its file
- each path that they name exists; a file named alone is one of some folder
- each check has one row, in its section; one without a test says which kind it is
- the figures of a mass exit follow from tests/gas_snapshot.json
"""

import ast
import json
import re
from collections import defaultdict
from functools import cache

import pytest

from backend.toolchain import PROJECT_ROOT

TESTS = PROJECT_ROOT / "tests"
CHECKS = PROJECT_ROOT / "docs/security/checks.md"
SECURITY = PROJECT_ROOT / "docs/SECURITY.md"
PAGES = (SECURITY, *sorted(CHECKS.parent.glob("*.md")))
SECURITY_LINES_MAX, CHECKS_LINES_MAX = 100, 400

ROWS = {"R": 42, "A": 43, "B": 23}
WITHOUT_TEST = ("Impossible: ", "Rule: ", "Untested: ")

_TEST = re.compile(r"`((?:test|invariant|testFuzz)_\w+)`")
# A path has a folder or ends as files do.
_PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|md|sol|json))`")
_ROW = re.compile(r"^\| ([A-Z])(\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
_FORGE = re.compile(r"\bfunction ((?:test|invariant|testFuzz)_\w+)\(")

BLOCK_GAS = 60_000_000
BLOCK_S = 12
_EXIT_COST = re.compile(r"^\| .+ \| `(\w+\.\w+: .+)`(?: / (\d+))? \| (.+) \|$", re.MULTILINE)


@cache
def files_by_test() -> dict[str, set[str]]:
    """Return the name of each test, with the files that have one of that name."""
    found = defaultdict(set)
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[node.name].add(str(path.relative_to(PROJECT_ROOT)))
    for path in TESTS.glob("forge/*.sol"):
        for name in _FORGE.findall(path.read_text(encoding="utf-8")):
            found[name].add(str(path.relative_to(PROJECT_ROOT)))
    return found


@cache
def file_names() -> set[str]:
    return {
        path.name for folder in ("backend", "tests") for path in (PROJECT_ROOT / folder).rglob("*")
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page__tests__exist_and_are_one_holds(page):
    wrong = []
    for line in page.read_text(encoding="utf-8").splitlines():
        for name in _TEST.findall(line):
            files = files_by_test().get(name, set())
            named = [file for file in files if f"`{file}`" in line]
            if len(files) != 1 and len(named) != 1:
                wrong.append(f"{name}: {', '.join(sorted(files)) or 'no such test'}")

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page__paths__exist_holds(page):
    paths = _PATH.findall(page.read_text(encoding="utf-8"))

    wrong = [
        path
        for path in paths
        if not (PROJECT_ROOT / path).exists() and ("/" in path or path not in file_names())
    ]
    assert wrong == []


def test_checks__each__has_one_row_holds():
    sections = re.split(r"^## ", CHECKS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]

    assert [section[0] for section in sections] == list(ROWS)
    for section in sections:
        rows = [(letter, int(number)) for letter, number, _, _ in _ROW.findall(section)]
        letter = section[0]
        assert rows == [(letter, number) for number in range(1, ROWS[letter] + 1)]


def test_checks__row_without_a_test__says_why_holds():
    rows = _ROW.findall(CHECKS.read_text(encoding="utf-8"))

    wrong = [
        letter + number
        for letter, number, _, shown in rows
        if bool(_TEST.search(shown)) == shown.startswith(WITHOUT_TEST)
    ]
    assert wrong == []


def test_pages__length__holds():
    assert len(SECURITY.read_text(encoding="utf-8").splitlines()) <= SECURITY_LINES_MAX
    assert len(CHECKS.read_text(encoding="utf-8").splitlines()) <= CHECKS_LINES_MAX


def test_mass_exit__figures__follow_from_the_gas_snapshot_holds():
    snapshot = json.loads((TESTS / "gas_snapshot.json").read_text())
    rows = _EXIT_COST.findall(SECURITY.read_text(encoding="utf-8"))

    assert len(rows) >= 3
    for key, people, figures in rows:
        gas = -(-snapshot[key] // int(people or 1))
        hours = [f"{gas * n / BLOCK_GAS * BLOCK_S / 3600:.2f}" for n in (10**4, 10**5, 10**6)]
        assert figures.split(" | ") == [f"{gas:,}", *hours], key
