"""Tokens -> money: prices, budgets, and the accounts over weeks."""
