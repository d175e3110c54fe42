"""The command that writes the DAG files into a folder of Airflow's."""

from __future__ import annotations

from pathlib import Path

import pytest

from retail_sync.pipeline.cli import write_dags as command
from retail_sync.pipeline.cli.write_dags import FilesInTheWay, dag_files, main, marked, write_dags

FILES = {"products.py": '"""Products."""\n', "prices.py": '"""Prices."""\n'}


def test_a_checkout_hands_out_its_own_dags_folder() -> None:
    dags = Path(__file__).parents[2] / "dags"
    assert dag_files() == {path.name: path.read_text() for path in dags.glob("*.py")}


def test_files_are_written_below_their_mark_and_the_docstring_stays_one(tmp_path: Path) -> None:
    folder = tmp_path / "dags"
    assert write_dags(folder, FILES) == ["products.py: written", "prices.py: written"]
    assert sorted(path.name for path in folder.iterdir()) == ["prices.py", "products.py"]
    text = (folder / "products.py").read_text()
    assert text.endswith(FILES["products.py"])
    module: dict[str, object] = {}
    exec(compile(text, "products.py", "exec"), module)
    assert module["__doc__"] == "Products."


def test_a_later_release_replaces_what_differs_and_removes_what_it_has_no_more(tmp_path: Path) -> None:
    write_dags(tmp_path, {**FILES, "gone.py": "pass\n"})
    (tmp_path / "theirs.py").write_text("pass\n")
    done = write_dags(tmp_path, {**FILES, "prices.py": '"""Prices, anew."""\n'})
    assert done == [
        "products.py: unchanged",
        "prices.py: replaced",
        "gone.py: removed, this release has no such DAG",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prices.py", "products.py", "theirs.py"]
    assert (tmp_path / "prices.py").read_text().endswith('anew."""\n')


@pytest.mark.parametrize(
    "theirs",
    [
        pytest.param("print('mine')\n", id="another file"),
        pytest.param(marked("print('ours')\n") + "# and mine\n", id="changed"),
        pytest.param(marked("print('ours')\n").partition("\n")[2], id="half a mark"),
        pytest.param("", id="empty"),
    ],
)
def test_what_somebody_else_wrote_or_changed_stops_it_before_anything_is_written(
    tmp_path: Path, theirs: str
) -> None:
    (tmp_path / "prices.py").write_text(theirs)
    with pytest.raises(FilesInTheWay, match=r"Nothing was written: prices\.py in .* Move or delete"):
        write_dags(tmp_path, FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["prices.py"]
    assert (tmp_path / "prices.py").read_text() == theirs


def test_a_changed_file_of_a_dag_that_is_gone_stays(tmp_path: Path) -> None:
    write_dags(tmp_path, {"gone.py": "pass\n"})
    (tmp_path / "gone.py").write_text((tmp_path / "gone.py").read_text() + "print()\n")
    write_dags(tmp_path, FILES)
    assert (tmp_path / "gone.py").exists()


def test_the_command_says_what_it_wrote_and_what_it_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "dag_files", lambda: FILES)
    assert main([str(tmp_path / "dags")]) == 0
    assert "prices.py: written\nThe DAG files of retail-sync" in capsys.readouterr().out
    (tmp_path / "dags" / "prices.py").write_text("")
    assert main([str(tmp_path / "dags")]) == 2
    assert "prices.py" in capsys.readouterr().err
    assert main([str(tmp_path / "no" / "such")]) == 2
    assert str(tmp_path / "no") in capsys.readouterr().err
