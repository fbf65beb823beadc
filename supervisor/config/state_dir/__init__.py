"""The state directory: what lies in it, whose it is, who holds its lock, and whether its disk can hold one."""
