"""Orders as documents, their marks, and in-store sales as order imports."""
