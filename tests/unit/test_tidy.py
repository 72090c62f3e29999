"""Keeps the house style. Each message says what is wrong, and the cure.

- imports: planes import only what the architecture allows; web3 in settlement alone
- size: lines, functions, files
- names: test_<action>__<circumstance>__<result>
- determinism: no float, wall clock, print or bare except in protocol and engine
- environment: read in two modules alone
- words: no open ends, no registry hosts
- documents: each link leads somewhere
- coverage: each module has a docstring and a test
- the rules themselves: each finds its offence
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

from backend.toolchain import PROJECT_ROOT

LINE_COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400
# Path → the reason. A file is here only when splitting it would hide something.
LONG_FILES_ALLOWED: dict[str, str] = {}

# docs/ARCHITECTURE.md: the composition roots (modules directly in backend/) join the planes.
PLANE_IMPORTS = {
    "protocol": {"protocol"},
    # What it compiled lies in the toolchain's cache.
    "engine": {"protocol", "engine", "toolchain", "files"},
    # It starts anvil and asks solc.
    "settlement": {"protocol", "settlement", "toolchain", "processes", "files"},
    "compliance": {"protocol", "compliance"},
    "records": {"protocol", "records"},
    "access": {"protocol", "records", "access"},
}
COMPOSITION_ROOTS = ("cli", "console")
DETERMINISTIC_PLANES = ("backend/protocol/", "backend/engine/")
ENVIRONMENT_READERS = ("backend/config.py", "backend/toolchain.py")

TEST_RESULTS = ("succeeds", "reverts", "rejects", "changes_nothing", "holds")
_TEST_NAME = re.compile(rf"test_.*[^_]__[^_].*[^_]__(.*[^_]_)?({'|'.join(TEST_RESULTS)})")

# Joined here, or this file would break its own rules.
OPEN_ENDS = ("TO" + "DO", "FIX" + "ME")
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("deb", "debian", "org"),
    )
)

Findings = Iterator[str]


@cache
def _files(*suffixes: str) -> tuple[str, ...]:
    """Return the files of the project, new ones too, that end in one of `suffixes`."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    names = sorted(set(listing.stdout.splitlines()))
    return tuple(n for n in names if n.endswith(suffixes) and (PROJECT_ROOT / n).is_file())


@cache
def _text(path: str) -> str:
    return (PROJECT_ROOT / path).read_text(encoding="utf-8", errors="replace")


@cache
def _tree(path: str) -> ast.Module:
    try:
        return ast.parse(_text(path), path)
    except SyntaxError as error:
        at = f"{path}:{error.lineno}"
        pytest.fail(f"{at}: {error.msg}. Write what Python 3.11 reads too.", pytrace=False)


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and full name of all that is imported: modules, and names inside them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield node.lineno, module
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


# Rules about one file: (path, tree) → findings


def import_direction(path: str, tree: ast.Module) -> Findings:
    parts = PurePosixPath(path).parts
    if parts[0] != "backend" or len(parts) < 3:
        return
    if parts[1] in COMPOSITION_ROOTS:
        return
    allowed = PLANE_IMPORTS.get(parts[1])
    if allowed is None:
        yield f"{path}: unknown plane {parts[1]!r}. Put it in {', '.join(PLANE_IMPORTS)}."
        return
    for line, name in _imports(tree):
        if name.startswith("."):
            yield f"{path}:{line}: relative import. Write the whole name, backend.…"
        elif name == "backend" or name.startswith("backend."):
            target = name.split(".")[1:2]
            if target and target[0] not in allowed:
                yield (
                    f"{path}:{line}: {parts[1]} imports {name}. State the need as a Protocol in "
                    f"{parts[1]}, and let backend/app.py pass in what fits it."
                )


def web3_in_settlement_alone(path: str, tree: ast.Module) -> Findings:
    if not path.startswith(("backend/", "sdk/")) or path.startswith("backend/settlement/"):
        return
    for line, name in _imports(tree):
        if name.split(".")[0] == "web3":
            yield f"{path}:{line}: imports web3. Ask backend/settlement/, the one door to a chain."


def environment_read_in_config_alone(path: str, tree: ast.Module) -> Findings:
    if path in ENVIRONMENT_READERS:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv"):
            yield f"{path}:{node.lineno}: reads the environment. Add a field to Settings instead."
    for line, name in _imports(tree):
        if name in ("os.environ", "os.getenv"):
            yield f"{path}:{line}: reads the environment. Add a field to Settings instead."


def deterministic(path: str, tree: ast.Module) -> Findings:
    if not path.startswith(DETERMINISTIC_PLANES):
        return
    for node in ast.walk(tree):
        at = f"{path}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.Name(id="float") | ast.Constant(value=float()):
                yield f"{at}: a float. Count in whole minor units, bps or milliseconds."
            case ast.Attribute(value=ast.Name(id="time"), attr="time" | "time_ns"):
                yield f"{at}: reads the clock. Take the time as an argument, ts_ms."
            case ast.ImportFrom(module="time", names=names) if {"time", "time_ns"} & {
                alias.name for alias in names
            }:
                yield f"{at}: imports the clock. Take the time as an argument, ts_ms."
            case ast.Call(func=ast.Name(id="print")):
                yield f"{at}: prints. Return the value, or log it at the edge."
            case ast.ExceptHandler(type=None):
                yield f"{at}: a bare except. Name the exceptions that are expected."


def short_functions(path: str, tree: ast.Module) -> Findings:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield (
                    f"{path}:{node.lineno}: {node.name} has {lines} lines, at most "
                    f"{FUNCTION_LINES_MAX} fit a screen. Name its parts and move them out."
                )


def named_tests(path: str, tree: ast.Module) -> Findings:
    if not PurePosixPath(path).name.startswith("test_"):
        return
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name.startswith("test_") and not _TEST_NAME.fullmatch(node.name):
            yield (
                f"{path}:{node.lineno}: {node.name} is no test_<action>__<circumstance>__<result>. "
                f"End it in {', '.join(TEST_RESULTS)}."
            )


def has_docstring(path: str, tree: ast.Module) -> Findings:
    if tree.body and not ast.get_docstring(tree):
        yield f"{path}: no docstring. Begin with one sentence: what the module is for."


FILE_RULES = (
    import_direction,
    web3_in_settlement_alone,
    environment_read_in_config_alone,
    deterministic,
    short_functions,
    named_tests,
    has_docstring,
)


def _report(findings: Iterator[str]) -> None:
    found = list(findings)
    if found:
        pytest.fail("\n".join(["", *found]), pytrace=False)


@pytest.mark.parametrize("rule", FILE_RULES)
def test_tidy__python__holds(rule):
    _report(finding for path in _files(".py") for finding in rule(path, _tree(path)))


def test_tidy__sizes__holds():
    def findings() -> Findings:
        for path in _files(".py", ".sol"):
            lines = _text(path).splitlines()
            for number, line in enumerate(lines, start=1):
                if len(line) > LINE_COLUMNS_MAX:
                    yield f"{path}:{number}: over {LINE_COLUMNS_MAX} columns. Break the line."
            if len(lines) > FILE_LINES_MAX and path not in LONG_FILES_ALLOWED:
                yield (
                    f"{path}: {len(lines)} lines, over {FILE_LINES_MAX}. Make it a folder of the "
                    "same name, one file for each idea."
                )

    _report(findings())


def test_tidy__words__holds():
    def findings() -> Findings:
        for path in _files(""):
            for number, line in enumerate(_text(path).splitlines(), start=1):
                if any(re.search(rf"\b{word}\b", line) for word in OPEN_ENDS):
                    yield f"{path}:{number}: an open end. Finish it, or write it down as a limit."
                if any(host in line for host in REGISTRY_HOSTS):
                    yield (
                        f"{path}:{number}: names a package registry. Name the package alone; "
                        "make lock writes lock files without hosts."
                    )

    _report(findings())


def _anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as code hosts form them."""
    headings = re.findall(r"^#+ +(.+?) *$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_tidy__links_in_documents__holds():
    def findings() -> Findings:
        for path in _files(".md"):
            prose = re.sub(r"```.*?```", "", _text(path), flags=re.DOTALL)
            for link in re.findall(r"\]\(([^)\s]+)\)", prose):
                if re.match(r"[a-z]+:", link):
                    continue
                target, _, anchor = link.partition("#")
                file = PROJECT_ROOT / Path(path).parent / target if target else PROJECT_ROOT / path
                if not file.exists():
                    yield f"{path}: the link to {link} leads nowhere. Correct its path."
                elif anchor and file.suffix == ".md" and anchor not in _anchors(file.read_text()):
                    yield f"{path}: the page of {link} has no such heading. Correct the anchor."

    _report(findings())


# Migrations by test_database.py, which runs them; refusals by name, in test_errors.py.
TESTED_AS_A_WHOLE = ("backend/records/migrations/", "backend/protocol/errors/")


def test_tidy__each_module__has_a_test__holds():
    tests = [path for path in _files(".py") if path.startswith("tests/")]
    imported = {name for path in tests for _, name in _imports(_tree(path))}

    def findings() -> Findings:
        for path in _files(".py"):
            module = PurePosixPath(path)
            if module.parts[0] != "backend" or module.name == "__init__.py":
                continue
            if path.startswith(TESTED_AS_A_WHOLE):
                continue
            mirror = PurePosixPath("tests/unit", *module.parts[1:-1], f"test_{module.name}")
            name = ".".join(module.with_suffix("").parts)
            if str(mirror) not in tests and name not in imported:
                yield f"{path}: no test imports {name}. Write {mirror}."

    _report(findings())


@pytest.mark.parametrize(
    ("rule", "path", "source"),
    [
        (import_direction, "backend/engine/x.py", "import backend.records.tables"),
        (import_direction, "backend/engine/x.py", "from backend import access"),
        (import_direction, "backend/engine/x.py", "from . import ledger"),
        (import_direction, "backend/utils/x.py", ""),
        (web3_in_settlement_alone, "backend/access/x.py", "from web3.types import Wei"),
        (environment_read_in_config_alone, "scripts/x.py", "os.environ['A']"),
        (environment_read_in_config_alone, "backend/app.py", "from os import getenv"),
        (deterministic, "backend/protocol/x.py", "fee = 0.5"),
        (deterministic, "backend/protocol/x.py", "fee: float"),
        (deterministic, "backend/engine/x.py", "time.time_ns()"),
        (deterministic, "backend/engine/x.py", "from time import time"),
        (deterministic, "backend/engine/x.py", "print(1)"),
        (deterministic, "backend/engine/x.py", "try:\n    f()\nexcept:\n    pass"),
        (short_functions, "backend/app.py", "def f():\n" + "    g()\n" * FUNCTION_LINES_MAX),
        (named_tests, "tests/unit/test_x.py", "def test_pay__twice__is_refused(): ..."),
        (named_tests, "tests/unit/test_x.py", "async def test_pay__succeeds(): ..."),
        (has_docstring, "backend/app.py", "x = 1"),
    ],
)
def test_tidy_rule__offence__rejects(rule, path, source):
    assert list(rule(path, ast.parse(source)))


@pytest.mark.parametrize("rule", FILE_RULES)
def test_tidy_rule__proper_module__succeeds(rule):
    source = '"""What it is for."""\nfrom backend.protocol.money import Minor\nimport time\n'

    assert not list(rule("backend/engine/x.py", ast.parse(source)))
