//! Hostile SQL in tenant A's own connection. Every test names the attack; the numbers are those of the list of pitfalls.

mod availability;
mod context;
mod fuzz;
mod leftovers;
mod lender;
mod names;
mod placements;
mod planner;
mod planted;
mod privileges;
mod quiet;
mod rows;
mod seal;
mod settings;
mod sqlmap;
mod victim;
mod wire;
