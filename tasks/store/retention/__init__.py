"""What the settings keep no longer, and the small steps that delete it.

Imports the tables of `tasks.store`, its queue and its duties.
"""
