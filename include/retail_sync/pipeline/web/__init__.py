"""What Airflow's API server mounts: the console, the webhook receiver and the doorbells."""
