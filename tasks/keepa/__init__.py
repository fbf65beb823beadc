"""The Keepa HTTP API: requests as values, one client, typed bodies. What a call costs is decided elsewhere."""
