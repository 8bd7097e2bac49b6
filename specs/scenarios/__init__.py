"""The scenarios of the sandbox, a file each: an order, and what happens to its jobs, step by step.

A step waits `after` the one before it, names its event and where that leads, and who takes it. `line` is whose job it
is, the first line's where it is left out; a `reason` is one of the lifecycle's. `days` moves the visit so many days,
`technician` is 1 or 2. A line's visit is wished `in` so long, or it waits for goods (`after_delivery_days`).
"""
