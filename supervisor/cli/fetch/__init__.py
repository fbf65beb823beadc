"""The command `fetch`: asks for products now, says meanwhile how that stands, and prints what came."""
