"""Takes rows out of the database, many at a time: as CSV, as lines of JSON, as columns."""
