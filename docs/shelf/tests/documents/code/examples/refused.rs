use axum::Json;
use axum::extract::{FromRequest, Path};
use axum::response::{IntoResponse, Response};
use freehold::Problem;
use freehold::isolation::{ScopeError, Sqlx, TenantDb};
use http::StatusCode;
use uuid::Uuid;

enum Refused {
    NoSuchBook,
    Lent,
    Scope(ScopeError),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        match error
            .as_database_error()
            .and_then(|error| error.constraint())
        {
            Some("one_loan_of_a_book") => Self::Lent,
            _ => Self::Scope(error.into()),
        }
    }
}

impl From<ScopeError> for Refused {
    fn from(error: ScopeError) -> Self {
        Self::Scope(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::NoSuchBook => Problem::new(StatusCode::NOT_FOUND, "no_such_book").into_response(),
            Self::Lent => Problem::new(StatusCode::CONFLICT, "lent")
                .detail("somebody has it")
                .into_response(),
            Self::Scope(error) => error.into_response(),
        }
    }
}

async fn lend(
    db: TenantDb<Sqlx>,
    Path(book): Path<Uuid>,
    reader: String,
) -> Result<StatusCode, Refused> {
    let mut scope = db.write();
    let lent = sqlx::query(
        "insert into loans (id, book_id, reader) select $1, id, $3 from books where id = $2",
    )
    .bind(Uuid::now_v7())
    .bind(book)
    .bind(reader)
    .execute(&mut scope)
    .await?;
    if lent.rows_affected() == 0 {
        return Err(Refused::NoSuchBook);
    }
    scope.commit().await?;
    Ok(StatusCode::CREATED)
}

#[derive(FromRequest)]
#[from_request(via(Json), rejection(Problem))]
struct Body<T>(T);
