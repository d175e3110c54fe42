"""Where Airflow's own pages are: `[api] base_url` may put them under a path, and with them everything mounted there."""

from __future__ import annotations

from urllib.parse import urlsplit


def base_path() -> str:
    """`/airflow` where pages are at https://shop.example.com/airflow/, empty where they are at the top."""
    return urlsplit(_base_url()).path.rstrip("/")


def base_host() -> str:
    """Host and port that browsers see, such as `shop.example.com`; empty where nobody says so."""
    return urlsplit(_base_url()).netloc


def _base_url() -> str:
    from airflow.configuration import conf

    return str(conf.get("api", "base_url", fallback=""))
