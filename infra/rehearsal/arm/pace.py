"""How fast Azure's time passes in the rehearsal; the simulated ARM and the plugin must agree on it.

At 500 a database of four minutes takes half a second, and a subnet keeps its network busy as long: long enough for
writes that nobody chained to meet.
"""

AZURE_SECONDS_PER_SECOND = 500.0
