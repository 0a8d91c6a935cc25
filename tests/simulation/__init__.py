"""The product's own code in virtual time, among parts that fail as a seed has it."""
