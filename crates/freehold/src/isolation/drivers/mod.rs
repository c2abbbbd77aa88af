//! The connections of each driver, behind [`Connection`](super::driver::Connection).

#[cfg(feature = "sqlx")]
pub(super) mod sqlx;
#[cfg(feature = "tokio-postgres")]
pub(super) mod tokio_postgres;
