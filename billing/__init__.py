"""HOW MUCH: quotes, vouchers, charges, statements, ledger."""
