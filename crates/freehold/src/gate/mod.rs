//! The gate: what a tenant may do now.
