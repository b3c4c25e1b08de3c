"""The desk's database: plans and the journal."""
