"""What a tester controls beyond `simkit`'s `/sim`: meetings, tenants, subscriptions, forged tokens, delivery faults."""
