"""The process that tells people: it looks at deals that have changed and at the run, and sends messages.

It is a child of its own. Its death, and a target that refuses messages, stop no ingest; health says so all the same.
"""
