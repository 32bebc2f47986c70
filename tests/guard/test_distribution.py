"""The guard is a distribution of its own: it needs nothing of the provider."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

GUARD = Path(__file__).parents[2] / "guard"


def test_it_imports_nothing_of_the_provider() -> None:
    for path in (GUARD / "idp_guard").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.split(".")[0] == "idp"], path.name


def test_its_wheel_holds_it_alone(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=GUARD, check=True, capture_output=True)

    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()

    assert "idp_guard/guard.py" in names
    assert not [name for name in names if not name.startswith("idp_guard")]
