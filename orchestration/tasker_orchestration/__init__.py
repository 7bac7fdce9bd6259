"""The thin loop around the SQL: one role per module, each a loop over one function of the database.

Model: nothing is decided here. A role asks its function to do a bounded piece of work, and rests until the next is due.
Roles hold no state that matters, so any number of orchestrators may run at once, and one that is killed loses nothing:
the functions skip what another has locked. Workers fire due timers too, so tasks move even with no orchestrator; what
it adds is schedules, punctual timers while every worker is busy, the backstop, retention and the list of who is alive.
"""

from tasker_orchestration.service import OrchestratorSettings, orchestrate

__all__ = ["OrchestratorSettings", "orchestrate"]
