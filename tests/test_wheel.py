"""The wheel holds the package and its DAG files and nothing else, and an Airflow that has it installed finds DAGs,
plugin and connection types."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "include" / "retail_sync"
LOOK = """
import json, logging, sys
from pathlib import Path

warned = []
catch = logging.Handler(logging.WARNING)
catch.emit = lambda record: warned.append(record.getMessage())
logging.getLogger("airflow.plugins_manager").addHandler(catch)

from airflow import plugins_manager
from airflow.dag_processing.dagbag import DagBag
from airflow.providers_manager import ProvidersManager
import retail_sync

connection_types = {"commercetools", "lightspeed"} & {kind for kind in ProvidersManager().hooks}
for extra in ("airflow.providers.amazon", "airflow.providers.http", "botocore", "s3fs"):
    sys.modules[extra] = None  # importing it fails, as where it is not installed
bag = DagBag(sys.argv[1])
plugins, errors = plugins_manager._get_plugins()
print(json.dumps({
    "package": str(Path(retail_sync.__file__).parent),
    "dags": sorted(bag.dag_ids),
    "import_errors": bag.import_errors,
    "plugins": [[plugin.name, str(plugin.source)] for plugin in plugins],
    "plugin_errors": errors,
    "warned": warned,
    "apps": [app["url_prefix"] for app in plugins_manager.get_fastapi_plugins()[0]],
    "connection_types": sorted(connection_types),
}))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution as a package index would."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, "sdist", folder)
    (source,) = folder.glob("*.tar.gz")
    subprocess.run(["tar", "xf", str(source), "-C", str(folder)], check=True)
    build(folder / source.name.removesuffix(".tar.gz"), "wheel", folder)
    (built,) = folder.glob("*.whl")
    return built


def build(project: Path, target: str, into: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(into)], cwd=project, check=True
    )


def test_the_wheel_holds_the_package_and_its_dag_files_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    wanted = {
        f"retail_sync/{path.relative_to(PACKAGE)}": path.read_bytes()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    wanted |= {
        f"retail_sync/pipeline/dag_files/{path.name}": path.read_bytes()
        for path in (ROOT / "dags").glob("*.py")
    }
    assert held.keys() == wanted.keys()
    assert held == wanted


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with everything this one has, but for the project itself."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = site_packages(folder)
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(("retail_sync", "_retail_sync", "__pycache__")):
            (packages / entry.name).symlink_to(entry)
    return folder


def site_packages(environment: Path) -> Path:
    (packages,) = environment.glob("lib/python*/site-packages")
    return packages


def install(wheel: Path, environment: Path) -> None:
    """What an installer does with a wheel that has neither scripts nor data."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site_packages(environment))


def run(environment: Path, home: Path, *arguments: str, **variables: str) -> str:
    """What Python of that environment prints, in a folder and with variables that know nothing of this checkout."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    done = subprocess.run(
        [str(environment / "bin" / "python"), *arguments],
        env=own
        | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "RETAIL_SYNC_CONFIG": str(PACKAGE / "settings" / "sync.yaml"),
        }
        | variables,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def looked(environment: Path, home: Path, dags: Path, **variables: str) -> dict[str, object]:
    lines = run(environment, home, "-c", LOOK, str(dags), **variables).splitlines()
    found: dict[str, object] = json.loads(lines[-1])
    return found


APPS = ["/retail-sync/hooks", "/retail-sync/console"]
DAG_IDS = sorted({path.stem for path in (ROOT / "dags").glob("*.py")} - {"listen"})
"""`listen` is there only where the configuration names a queue."""


def test_airflow_finds_dags_and_plugin_once_installed_or_on_its_path(
    wheel: Path, environment: Path, tmp_path: Path
) -> None:
    on_path = looked(
        environment,
        tmp_path,
        ROOT / "dags",
        PYTHONPATH=str(ROOT / "include"),
        AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"),
    )
    assert on_path == {
        "package": str(PACKAGE),
        "dags": DAG_IDS,
        "import_errors": {},
        "plugins": [["retail_sync", "$PLUGINS_FOLDER/retail_sync_plugin.py"]],
        "plugin_errors": {},
        "warned": [],
        "apps": APPS,
        "connection_types": [],
    }

    install(wheel, environment)
    dags = tmp_path / "dags"
    told = run(environment, tmp_path, "-m", "retail_sync.pipeline.cli.write_dags", str(dags))
    assert [line for line in told.splitlines() if line.endswith(": written")] == [
        f"{path.name}: written" for path in sorted((ROOT / "dags").glob("*.py"))
    ]

    installed = looked(
        environment, tmp_path, dags, AIRFLOW__CORE__PLUGINS_FOLDER=str(tmp_path / "no plugins")
    )
    assert Path(str(installed["package"])).is_relative_to(environment)
    (plugin,) = installed["plugins"]  # type: ignore[misc]
    assert plugin[0] == "retail_sync" and plugin[1].startswith("retail-sync==")
    assert installed == on_path | {
        "package": installed["package"],
        "plugins": [plugin],
        "connection_types": ["commercetools", "lightspeed"],
    }

    both = looked(environment, tmp_path, dags, AIRFLOW__CORE__PLUGINS_FOLDER=str(ROOT / "plugins"))
    assert both == installed
