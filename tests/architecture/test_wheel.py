"""The wheel holds all it needs and works when installed elsewhere."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_ships_templates_migrations_and_static_files(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert "idp/_shipped/templates/login/login.html" in names
    assert "idp/_shipped/templates/locale/de/LC_MESSAGES/messages.po" in names
    assert "idp/_shipped/alembic/env.py" in names
    assert "idp/web/static/style.css" in names
    assert not [name for name in names if name.startswith(("keys/", "tests/"))]


def test_an_installed_wheel_migrates_and_answers(wheel: Path, tmp_path: Path) -> None:
    """Unpacked somewhere else, without the checkout on the path, the command line works from an empty folder."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IDP_")}
    environment |= {"PYTHONPATH": str(tmp_path / "site"), "IDP_MODE": "test"}
    script = "import idp, sys; from idp.cli import main; print(idp.__file__, file=sys.stderr); main()"

    done = subprocess.run(
        [sys.executable, "-c", script, "db", "upgrade", "--json"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert str(tmp_path) in done.stderr
    assert '"revision"' in done.stdout
