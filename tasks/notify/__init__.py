"""Tells people of deals by their own rules: what a rule is, when it fires, when a message is made, how it is sent."""
