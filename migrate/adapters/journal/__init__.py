"""The journal in SQL: tables, group commit, hash chains, questions and errands."""
