"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`rounds` of each contestant in turn, of `seconds` each; `messages` are delivered a round, to `endpoints`;
    latency is looked at for `latency_seconds` at each of `rates`; a dialect is read for `dialect_seconds` a round.
    Full tables have `grown_jobs`.
    """

    rounds: int = 5
    seconds: float = 3.0
    messages: int = 20_000
    delivery_rounds: int = 2
    endpoints: int = 50
    rates: tuple[int, ...] = (50, 200)
    latency_seconds: float = 10.0
    dialect_seconds: float = 0.5
    neighbour_rounds: int = 5
    grown_jobs: int = 1_000_000


DEFAULT = Size()
# That it runs, and nothing else.
TINY = Size(
    rounds=1,
    seconds=0.2,
    messages=50,
    delivery_rounds=1,
    endpoints=5,
    rates=(20,),
    latency_seconds=0.5,
    dialect_seconds=0.02,
    neighbour_rounds=1,
    grown_jobs=20,
)
