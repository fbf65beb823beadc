"""One child: what it is, its states, its start, its output.

Imports `supervisor.eventloop` and `config`, never the tree; of `tasks`, what a worker reports.
"""
