"""The files that a person writes: `.env`, selections, lists of products."""
