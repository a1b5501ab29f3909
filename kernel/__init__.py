"""What every app stands on: money, periods, the clock, refusals, constraint names. No models."""
