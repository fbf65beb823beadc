"""Kills a ledger's users wherever they can be killed, and judges what they leave behind.

`steps` kills after every single store to the mapped file in turn, `torn` looks at every store cut in half, `kills`
kills at random moments. For whoever changes the format or the protocol: `python -m tests.crash`.
"""
