"""A planner without a model: reads composed questions by a grammar and makes the same plan every time."""
