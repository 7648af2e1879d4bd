"""What `python -m segexp.benchmark` measures: one suite a file, its settings in the section of that name.

A suite has KEY (the keys that tell its records apart), `measure(**settings, device)`, which gives one record after the
other, and `report(records, **settings)`. Records that an earlier command left are handed to a `measure` that asks for
`earlier`.
"""
