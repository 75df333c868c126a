"""Truth checks: a second, plain implementation of every definition; it shares no code with the engine."""
