"""Changes one thing in the pure packages at a time, and asks whether a test notices: `python -m tests.mutants`.

`generate` makes the mutants, `run` runs a module's tests against one of them, `sample` draws and judges. Of mutmut only
the operators are used: its runner has no seeded sample, no choice of tests by module and no limit of time.
"""
