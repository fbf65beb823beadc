"""Days of virtual time over the real ledger and the simulator's bucket: ours against the strategies of the past."""
