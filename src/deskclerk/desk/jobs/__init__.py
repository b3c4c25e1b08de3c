"""Many writes under one signature, carried out durably; exports and imports that go on after a kill.

`jobs.py` is the door. `planning.py` finds and checks what a job is to do, `running.py` carries its items out,
`engine.py` is the only module that knows DBOS, and imported only where jobs run (`worker.py`).
"""
