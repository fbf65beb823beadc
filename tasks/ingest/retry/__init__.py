"""A second look at what is in quarantine: kept bytes are read again, and the rest is asked for again."""
