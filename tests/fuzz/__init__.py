"""Whatever arrives: no crash, no 5xx, nothing invalid sent, memory bounded; every run tries others."""
