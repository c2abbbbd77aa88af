use sqlx::FromRow;
use uuid::Uuid;

/// What rules look at in an expense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromRow)]
pub(crate) struct Matter {
    pub(crate) amount_minor: i64,
    pub(crate) category_id: Option<Uuid>,
    pub(crate) unit_id: Option<Uuid>,
}
