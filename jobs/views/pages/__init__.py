"""What people see: self-contained HTML pages drawn from lake tables."""
