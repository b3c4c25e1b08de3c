"""How a served desk is watched and ended: metrics, health, traces, logs.

`Operating` (in `operating.py`) puts them together as the settings want them.
"""
