"""Files: whole or absent, read with bounds, fetched once."""
