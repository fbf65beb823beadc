"""One file for each command, as people type it.

Imports everything else, and everything heavy late.
"""
