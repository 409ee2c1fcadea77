"""From tables to pictures and the report."""
