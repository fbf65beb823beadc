"""A Keepa-compatible HTTP server: the true token bucket, a synthetic market, and faults on demand.

Serves `/token`, `/deal`, `/product` as the API does, and `/control` for tests. Every number it gives is a pure function
of the seed and the server's time, so a restarted server goes on with the same market. The only thing that it keeps is
when a product was fetched last: a fetch looks at the product anew, so that `/product` is ahead of the deals.

Imports `tasks.errors`, `tasks.command_line` and the ledger's clock: it judges the client, so it has nothing of it.
"""
