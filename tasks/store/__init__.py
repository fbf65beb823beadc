"""PostgreSQL: where the rows go, and the server itself when nobody names one."""
