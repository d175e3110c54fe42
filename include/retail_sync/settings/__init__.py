"""What the user decides, as typed models read from one YAML file.

This room knows the vocabulary of both systems where a person has to name something in them (a tax category key, an
outlet), but neither their wire formats, nor the ledger, HTTP or Airflow. Secrets are never in this file: they are
Airflow connections.
"""
