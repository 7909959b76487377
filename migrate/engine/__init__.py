"""The engine: waves, gate and soak over durable workflows.

``durable`` speaks to dbos and nobody else does; ``campaign`` knows what a
campaign's steps do in this process; ``brake`` says why a station may not
start.  Stations never become workflows: they are tasks over the journal.
"""
