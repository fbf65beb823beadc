"""Histories of prices, counts and ranks: how they are written, stored and read."""
