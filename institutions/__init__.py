"""WHO: regions, alliances, institutions, people, memberships, projects, idempotency."""
