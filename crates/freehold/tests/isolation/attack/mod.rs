//! Hostile SQL in tenant A's own connection. Every test names the attack; the numbers are those of the list of pitfalls.

mod context;
