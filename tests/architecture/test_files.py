"""Files stay small enough to be read, and say what they are."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "idp").rglob("*.py"))
LONGEST_FILE = 300
LONGEST_FUNCTION = 50


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_is_at_most_300_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", [path for path in MODULES if path.read_text().strip()], ids=name_of)
def test_every_module_class_and_public_function_says_what_it_does(path: Path) -> None:
    tree = ast.parse(path.read_text())

    assert ast.get_docstring(tree), f"{path} has no docstring"
    for node in [] if "demo" in path.parts else _public(tree):
        assert ast.get_docstring(node), f"{path}: {node.name} has no docstring"


def _public(tree: ast.Module) -> list[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    found: list[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found += [node, *(each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node)
    return [node for node in found if not node.name.startswith("_")]


@pytest.mark.parametrize("path", [path for path in MODULES if "demo" not in path.parts], ids=name_of)
def test_a_function_fits_a_screen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, f"{path}: {node.name}"


def test_nothing_committed_names_a_registry() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "http" + "://" not in text
        assert "https" + "://" not in text
        assert "--hash=sha256:" in text
