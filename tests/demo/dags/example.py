"""A DAG of the runtime's own tests: two tasks that say what they were given."""

from __future__ import annotations

from airflow.sdk import DAG, Param, task

with DAG("example", schedule=None, params={"name": Param("nobody", type="string")}, tags=["test"]):

    @task
    def greet(params: dict[str, str] | None = None) -> dict[str, str]:
        print(f"hello {(params or {})['name']}")
        return {"greeted": (params or {})["name"]}

    @task
    def count(greeting: dict[str, str]) -> int:
        return len(greeting["greeted"])

    count(greet())
