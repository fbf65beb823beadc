"""The commands of `db` that ask the database: how large it is, what would go, its partitions."""
