//! Operations on a fleet of tenants, without HTTP and without a command line: both call this.
//!
//! [`Installer`] sets a deployment up, with an administrator's rights, once. [`ControlPlane`] does everything after that,
//! as `freehold_control`: provision, migrate, suspend, delete, rotate keys, check. What takes several steps is a recorded
//! [operation](Operation) that a worker runs and that may be killed anywhere.

mod audit;
mod check;
mod clusters;
mod connection;
mod delete;
mod doctor;
mod error;
mod guest;
mod install;
mod lifecycle;
mod logins;
mod metrics;
mod migrate;
mod migrations;
mod observe;
mod operation;
mod operator;
mod operators;
mod overview;
mod plane;
mod provision;
mod seal;
mod tenants;

pub use crate::metrics::METRICS;
pub use check::{
    Baseline, CheckOptions, Drift, Finding, FixReport, Rule, SelfTest, Severity, check_database, fix, self_test,
    without_placements,
};
pub use clusters::{InvalidPooler, Pooler};
pub use doctor::{Diagnosis, Health, examine_pooler};
pub use error::ControlError;
pub use guest::Guest;
pub use install::{Installer, Passwords};
pub use lifecycle::Change;
pub use migrate::{Difference, Drifted, MigrateFailure, MigrateObserver, MigrateReport, Pending, Plan, Verification};
pub use migrations::{Migration, Migrations, Statement, split};
pub use observe::{Observation, ObserveOptions, Observed, observations, observe, stop_observing};
pub use operation::{NoObserver, Operation, StepObserver};
pub use operator::{OperatorScope, OperatorTransaction};
pub use operators::{NewOperator, OperatorRow};
pub use overview::{ClusterRow, OperationRow, Overview, TenantCount};
pub use plane::{ControlConfig, ControlPlane};
pub use tenants::TenantRow;
