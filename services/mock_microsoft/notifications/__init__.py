"""Change notifications of call events: encrypted, authenticated, delivered with Graph's patience."""
