"""Files are found in a wheel first, then in the checkout."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from idp import resources


def test_a_checkout_finds_its_templates() -> None:
    assert (resources.folder("templates") / "layout.html").is_file()


def test_what_a_wheel_shipped_comes_first(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "idp"
    for place in (package / "_shipped" / "templates", package.parent / "templates"):
        place.mkdir(parents=True)
    installed = Path(shutil.copy(resources.__file__, package))
    spec = importlib.util.spec_from_file_location("installed_resources", installed)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert module.folder("templates") == package / "_shipped" / "templates"


def test_a_folder_that_is_nowhere_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        resources.folder("nowhere")
