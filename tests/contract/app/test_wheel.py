"""The wheel that users install holds the program, its SQL, its texts and the built pages, and no sources of
pages."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from app.http import PAGES

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of the files in a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, text=True)
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_every_migration_is_in_it(names: set[str]) -> None:
    migrations = [path.name for path in (ROOT / "app" / "migrations").glob("*.sql")]
    assert migrations
    assert {f"app/migrations/{name}" for name in migrations} <= names


def test_the_texts_of_both_languages_are_in_it(names: set[str]) -> None:
    assert {f"viz/web/shared/locales/{locale}.json" for locale in ("en", "zh")} <= names


def test_the_built_pages_are_in_it(names: set[str]) -> None:
    if not (ROOT / "viz" / "web" / "dist").is_dir():
        pytest.skip("the pages are not built; scripts/setup builds them")
    assert {f"viz/web/dist/{page}/index.html" for page in PAGES} <= names


def test_neither_page_sources_nor_tests_nor_modules_of_node_are_in_it(names: set[str]) -> None:
    pages = [name for name in names if name.startswith("viz/web/") and not name.startswith("viz/web/dist/")]
    assert [name for name in pages if not name.startswith("viz/web/shared/locales/")] == []
    assert [name for name in names if name.startswith(("tests/", "var/", ".venv/"))] == []


def test_the_licence_is_in_it(names: set[str]) -> None:
    assert [name for name in names if name.endswith("licenses/LICENSE")]
