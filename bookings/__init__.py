"""WHEN: resources, occupancies, bookings, rules, availability, use."""
