"""Our own words need no translation: the table says so, state by state."""

from adapters.canonical import JobState

STATES = {state: state.value for state in JobState}
