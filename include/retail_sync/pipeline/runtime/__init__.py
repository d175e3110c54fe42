"""What a task works with, opened from Airflow's context and connections."""
