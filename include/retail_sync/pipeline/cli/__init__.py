"""Commands for people, run beside Airflow."""
