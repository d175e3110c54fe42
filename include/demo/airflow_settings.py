"""Reads an `airflow_settings.yaml` of the Astro CLI, and loads it into an Airflow without the Astro CLI.

    python -m demo.airflow_settings airflow_settings.yaml         into the Airflow of this environment
    python -m demo.airflow_settings airflow_settings.yaml --env   as AIRFLOW_CONN_... and AIRFLOW_VAR_... lines

Loading goes through the `airflow` command, so it needs the environment of that Airflow (AIRFLOW_HOME, the database) and
no running server. It creates or replaces what the file names and touches nothing else: loading twice changes nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_PLACEHOLDER = re.compile(r"<[^<>]+>")
_FIELDS = {
    "connections": (
        "conn_id", "conn_type", "conn_host", "conn_schema", "conn_login", "conn_password", "conn_port", "conn_uri",
        "conn_extra",
    ),
    "pools": ("pool_name", "pool_slot", "pool_description"),
    "variables": ("variable_name", "variable_value"),
}  # fmt: skip


class SettingsError(ValueError):
    """The file can't be used; the message names the entry and what is wrong with it."""


@dataclass(frozen=True)
class ConnectionSetting:
    """One connection: Airflow's own fields, or a URI instead."""

    conn_id: str
    fields: Mapping[str, Any]
    uri: str | None = None

    def as_json(self) -> str:
        """The value of `AIRFLOW_CONN_<ID>`."""
        return self.uri or json.dumps(self.fields)


@dataclass(frozen=True)
class PoolSetting:
    name: str
    slots: int
    description: str


@dataclass(frozen=True)
class AirflowSettings:
    connections: tuple[ConnectionSetting, ...]
    pools: tuple[PoolSetting, ...]
    variables: Mapping[str, str]

    def environment(self) -> dict[str, str]:
        """Connections and variables as environment variables; pools have none and need a database."""
        found = {f"AIRFLOW_CONN_{c.conn_id.upper()}": c.as_json() for c in self.connections}
        return found | {f"AIRFLOW_VAR_{name.upper()}": value for name, value in self.variables.items()}

    def placeholders(self) -> list[str]:
        """Connections that still hold a `<...>` nobody has replaced."""
        return [c.conn_id for c in self.connections if _PLACEHOLDER.search(c.as_json())]


def read(path: Path) -> AirflowSettings:
    """Read and check the file. Raises SettingsError."""
    try:
        document = yaml.safe_load(path.read_text())
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {error}") from error
    try:
        return _parsed(document)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def load(settings: AirflowSettings, run: Callable[..., object]) -> None:
    """Load into an Airflow: `run` is called with the arguments of each `airflow` command."""
    connections = {c.conn_id: c.uri or c.fields for c in settings.connections}
    pools = {
        p.name: {"slots": p.slots, "description": p.description, "include_deferred": False}
        for p in settings.pools
    }
    with tempfile.TemporaryDirectory(prefix="retail-sync-settings-") as name:  # mode 0700: it holds secrets
        folder = Path(name)
        if connections:
            run(
                "connections",
                "import",
                str(_written(folder / "connections.json", connections)),
                "--overwrite",
            )
        if pools:
            run("pools", "import", str(_written(folder / "pools.json", pools)))
        if settings.variables:
            run("variables", "import", str(_written(folder / "variables.json", settings.variables)))


def _written(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def _parsed(document: object) -> AirflowSettings:
    if not isinstance(document, dict) or not isinstance(document.get("airflow"), dict):
        raise SettingsError("expected one key `airflow` with connections, pools and variables below it")
    sections = document["airflow"]
    if unknown := set(sections) - set(_FIELDS):
        raise SettingsError(f"unknown section {_listed(unknown)} below `airflow`; known: {_listed(_FIELDS)}")
    return AirflowSettings(
        connections=tuple(_connection(e) for e in _entries(sections, "connections")),
        pools=tuple(_pool(e) for e in _entries(sections, "pools")),
        variables={
            e["variable_name"]: _text(e.get("variable_value")) for e in _entries(sections, "variables")
        },
    )


def _entries(sections: Mapping[str, Any], section: str) -> Iterator[dict[str, Any]]:
    """The filled entries of a section; wholly blank ones are the Astro CLI's template and skipped."""
    known = _FIELDS[section]
    named: set[str] = set()
    rows = sections.get(section) or []
    if not isinstance(rows, list):
        raise SettingsError(f"`{section}` is not a list")
    for number, row in enumerate(rows, start=1):
        where = f"{section} entry {number}"
        if row is not None and not isinstance(row, dict):
            raise SettingsError(f"{where} is not a mapping")
        filled = {key: value for key, value in (row or {}).items() if value not in (None, "", {})}
        if unknown := set(filled) - set(known):
            raise SettingsError(f"{where} has the unknown field {_listed(unknown)}; known: {_listed(known)}")
        if not filled:
            continue
        name = filled.get(known[0])
        if not isinstance(name, str):
            raise SettingsError(f"{where} has no {known[0]}: give it one, or empty the whole entry")
        if name in named:
            raise SettingsError(f"{where}: {name!r} is there twice")
        named.add(name)
        yield filled


def _connection(entry: Mapping[str, Any]) -> ConnectionSetting:
    conn_id = entry["conn_id"]
    if "conn_uri" in entry:
        return ConnectionSetting(conn_id, {}, str(entry["conn_uri"]))
    if "conn_type" not in entry:
        raise SettingsError(f"connection {conn_id!r} has neither conn_type nor conn_uri")
    fields: dict[str, Any] = {
        name.removeprefix("conn_"): str(entry[name])
        for name in ("conn_type", "conn_host", "conn_schema", "conn_login", "conn_password")
        if name in entry
    }
    fields["conn_type"] = fields.pop("type")
    if "conn_port" in entry:
        fields["port"] = _whole(entry["conn_port"], f"conn_port of connection {conn_id!r}")
    if "conn_extra" in entry:
        fields["extra"] = _extra(entry["conn_extra"], conn_id)
    return ConnectionSetting(conn_id, fields)


def _extra(value: object, conn_id: str) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise SettingsError(f"conn_extra of connection {conn_id!r} is text, but not JSON") from None
    if not isinstance(value, dict):
        raise SettingsError(f"conn_extra of connection {conn_id!r} is not a mapping")
    return {key: part for key, part in value.items() if part not in (None, "")}


def _pool(entry: Mapping[str, Any]) -> PoolSetting:
    name = entry["pool_name"]
    slots = _whole(entry.get("pool_slot"), f"pool_slot of pool {name!r}")
    return PoolSetting(name, slots, str(entry.get("pool_description", "")))


def _whole(value: object, what: str) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"\d+", str(value)):
        raise SettingsError(f"{what} is not a whole number")
    return int(str(value))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _listed(names: Any) -> str:
    return ", ".join(sorted(map(str, names)))


def _airflow(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise SettingsError(
            f"`airflow {arguments[0]} import` failed; is this the environment of your Airflow?\n{said}"
        )


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo.airflow_settings")
    parser.add_argument("file", type=Path)
    parser.add_argument("--env", action="store_true", help="print environment lines instead of loading")
    options = parser.parse_args(arguments)
    try:
        settings = read(options.file)
        if unfinished := settings.placeholders():
            print(f"note: still with <placeholders>: {', '.join(unfinished)}", file=sys.stderr)
        if options.env:
            for name, value in settings.environment().items():
                print(f"{name}={shlex.quote(value)}")
        else:
            load(settings, _airflow)
            print(
                f"loaded {len(settings.connections)} connections, {len(settings.pools)} pools, "
                f"{len(settings.variables)} variables"
            )
    except SettingsError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
