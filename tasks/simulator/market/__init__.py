"""Pure: the synthetic shop.

Imports nothing of ours but its own modules.
"""
