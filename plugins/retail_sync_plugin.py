"""The Airflow plugin, for an Airflow that finds the package on its path without having it installed.

An installed package brings its plugin through its entry point; this file then adds nothing, so that nothing is there
twice.
"""

from importlib.metadata import entry_points

if not entry_points(group="airflow.plugins", name="retail_sync"):
    from retail_sync.pipeline.web.plugin import RetailSyncPlugin  # noqa: F401
