"""Commands that ask the database: what was gathered, what it cost, what was set aside."""
