use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use uuid::Uuid;

use crate::failure::Failure;
use crate::import::rejections::{Rejection, page};
use crate::input::Id;
use crate::session::Visitor;
use crate::web::{Parts, export};

/// All rejected records that are kept, as a CSV file (RFC 4180), which is written while it is sent.
pub(super) async fn csv(visitor: Visitor, Id(id): Id) -> Result<Response, Failure> {
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (CONTENT_DISPOSITION, "attachment; filename=\"rejections.csv\""),
    ];
    Ok((headers, export(File { visitor, id, next: Some(0) }).await?).into_response())
}

struct File {
    visitor: Visitor,
    id: Uuid,
    /// The line behind which the next part begins.
    next: Option<i64>,
}

impl Parts for File {
    async fn next(&mut self) -> Result<Option<String>, Failure> {
        let Some(behind) = self.next else { return Ok(None) };
        let (mut scope, _) = self.visitor.read().await?;
        let page = page(&mut scope, self.id, behind).await?;
        self.next = page.next;
        let header = if behind == 0 { "Line,Reason\r\n" } else { "" };
        Ok(Some(format!("{header}{}", records(&page.items))))
    }
}

/// Reasons are sentences of ours that begin with a word, so none is a formula to a spreadsheet.
fn records(items: &[Rejection]) -> String {
    let record = |item: &Rejection| format!("{},\"{}\"\r\n", item.line, item.reason.replace('"', "\"\""));
    items.iter().map(record).collect()
}
