"""`airflow_settings.yaml`: what the Astro CLI accepts is accepted, what would be half loaded is refused."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.airflow_settings import SettingsError, load, main, read

SHIPPED = Path(__file__).parents[2] / "airflow_settings.yaml"


def _file(folder: Path, **sections: Any) -> Path:
    path = folder / "airflow_settings.yaml"
    path.write_text(yaml.safe_dump({"airflow": sections}))
    return path


def test_the_shipped_file_holds_both_systems_and_no_secret() -> None:
    settings = read(SHIPPED)
    assert [c.conn_id for c in settings.connections] == ["commercetools_default", "lightspeed_default"]
    assert settings.placeholders() == ["commercetools_default", "lightspeed_default"]
    assert {p.name: p.slots for p in settings.pools} == {"commercetools_api": 8, "lightspeed_api": 4}
    assert settings.variables == {}


def test_the_environment_lines_survive_a_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = {
        "conn_id": "shop",
        "conn_type": "generic",
        "conn_password": "it's $ecret",
        "conn_extra": '{"a": [1]}',
    }
    path = _file(
        tmp_path, connections=[entry], variables=[{"variable_name": "v", "variable_value": {"k": 1}}]
    )
    assert main([str(path), "--env"]) == 0
    lines = dict(shlex.split(line)[0].split("=", 1) for line in capsys.readouterr().out.splitlines())
    assert json.loads(lines["AIRFLOW_CONN_SHOP"]) == {
        "conn_type": "generic",
        "password": "it's $ecret",
        "extra": {"a": [1]},
    }
    assert json.loads(lines["AIRFLOW_VAR_V"]) == {"k": 1}


def test_blank_template_entries_are_skipped(tmp_path: Path) -> None:
    path = _file(
        tmp_path, connections=[{"conn_id": None, "conn_type": ""}, None], pools=[{"pool_name": None}]
    )
    settings = read(path)
    assert (settings.connections, settings.pools) == ((), ())


@pytest.mark.parametrize(
    ("sections", "complaint"),
    [
        ({"connections": [{"conn_type": "generic"}]}, "connections entry 1 has no conn_id"),
        ({"connections": [{"conn_id": "a"}]}, "neither conn_type nor conn_uri"),
        (
            {"connections": [{"conn_id": "a", "conn_type": "b", "conn_extra": "x"}]},
            "conn_extra of connection 'a'",
        ),
        (
            {"connections": [{"conn_id": "a", "conn_type": "b", "conn_port": "x"}]},
            "conn_port of connection 'a'",
        ),
        ({"connections": [{"conn_id": "a", "con_type": "b"}]}, "unknown field con_type"),
        ({"pools": [{"pool_name": "p"}]}, "pool_slot of pool 'p' is not a whole number"),
        ({"pools": [{"pool_name": "p", "pool_slot": 1}] * 2}, "'p' is there twice"),
        ({"pool": []}, "unknown section pool"),
    ],
)
def test_a_broken_entry_is_named(tmp_path: Path, sections: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        read(_file(tmp_path, **sections))


def test_a_missing_file_is_an_error_not_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none.yaml")]) == 1
    assert "can't be read" in capsys.readouterr().err


def test_secrets_are_handed_over_in_a_folder_that_is_gone_afterwards(tmp_path: Path) -> None:
    seen: list[Path] = []
    contents: list[Any] = []

    def run(*arguments: str) -> None:
        seen.append(Path(arguments[2]))
        contents.append(json.loads(seen[-1].read_text()))

    load(read(_file(tmp_path, connections=[{"conn_id": "a", "conn_uri": "http://u:p@h"}])), run)
    assert contents == [{"a": "http://u:p@h"}]
    assert not seen[0].exists()
