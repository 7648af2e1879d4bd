"""The suites of `python -m segexp.benchmark`, one a file; the settings of a suite stand in the section of its name.

A suite has KEY (names of the values that tell its records apart), `measure(settings, device, earlier)`, which gives one
record after the other, and `report(records, settings, device)`. earlier: the records of an earlier command; the suite
models goes on with them, the others measure again.
"""
