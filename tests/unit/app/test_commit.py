"""A report names the commit it was made by, and says where the checkout is not that commit."""

import subprocess
from pathlib import Path

import pytest

from app.report import current_commit, is_certain


def git(folder: Path, *words: str) -> None:
    person = "-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"
    subprocess.run(["git", *person, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of a checkout that the program is said to be."""
    file = tmp_path / "report.py"
    file.write_text("one\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "report.py")
    git(tmp_path, "commit", "--quiet", "-m", "A program")
    git(tmp_path, "tag", "v1")
    monkeypatch.setattr("app.report.__file__", str(file))
    return file


def test_an_unchanged_checkout_is_its_commit_and_a_changed_one_says_that_it_is_not(program: Path) -> None:
    commit = current_commit()
    assert len(commit) == 40
    assert is_certain(commit)
    (program.parent / "r.json").write_text("a report")
    assert current_commit() == commit
    program.write_text("two\n")
    assert current_commit() == f"{commit}-changed"
    assert not is_certain(current_commit())


def test_where_there_is_no_checkout_the_commit_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setattr("app.report.__file__", str(tmp_path / "report.py"))
    assert current_commit() == "unknown"
    assert not is_certain("unknown")
