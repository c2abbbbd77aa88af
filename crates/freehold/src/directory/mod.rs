//! Tenants in memory.
