use std::convert::Infallible;

use axum::extract::{FromRef, FromRequestParts};
use freehold::isolation::{Access, Read, Scope, Sqlx, TenantDb, Write};
use http::HeaderName;
use http::request::Parts;
use sqlx::FromRow;

use super::frame::{Frame, Organisation, Outside};
use super::notice::Notice;
use crate::failure::Failure;
use crate::session::{Cookies, Person, Visitor};

/// The browser of somebody who is logged in: what the handler of a page begins with.
pub(crate) struct Browser {
    visitor: Visitor,
    notice: Option<Notice>,
    wants_part: bool,
}

impl Browser {
    /// A scope for reading, and the frame for what is read.
    pub(crate) async fn read(&self) -> Result<(Scope<Sqlx, Read>, Frame), Failure> {
        let (mut scope, person) = self.visitor.read().await?;
        let frame = self.frame(&mut scope, person).await?;
        Ok((scope, frame))
    }

    /// A scope for writing, and the frame for showing the form again if that cannot be.
    pub(crate) async fn write(&self) -> Result<(Scope<Sqlx, Write>, Frame), Failure> {
        let (mut scope, person) = self.visitor.write().await?;
        let frame = self.frame(&mut scope, person).await?;
        Ok((scope, frame))
    }

    /// Whose browser it is, for what needs more than a scope.
    pub(crate) fn visitor(&self) -> &Visitor {
        &self.visitor
    }

    /// Whether a script asks, for a part of the page to put in place of another.
    pub(crate) fn wants_part(&self) -> bool {
        self.wants_part
    }

    async fn frame<A: Access>(&self, scope: &mut Scope<Sqlx, A>, person: Person) -> Result<Frame, Failure> {
        Ok(Frame { organisation: organisation(scope).await?, person, notice: self.notice })
    }
}

/// A browser at an organisation's host, whether somebody is logged in or not.
pub(crate) struct Stranger {
    pub(crate) db: TenantDb<Sqlx>,
    notice: Option<Notice>,
}

impl Stranger {
    /// What is around a page for those who are not logged in.
    pub(crate) async fn outside(&self) -> Result<Outside, Failure> {
        let organisation = organisation(&mut self.db.read()).await?;
        Ok(Outside { organisation: Some(organisation), notice: self.notice })
    }
}

async fn organisation<A: Access>(scope: &mut Scope<Sqlx, A>) -> Result<Organisation, Failure> {
    #[derive(FromRow)]
    struct Row {
        name: String,
        currency: String,
        colour: Option<String>,
        logo: Option<String>,
    }

    let select = "select name, currency, colour, encode(logo_digest, 'hex') as logo from organisation";
    let row: Option<Row> = sqlx::query_as(select).fetch_optional(scope).await?;
    // A sign-up that was cut off, and goes on when it is repeated.
    let Row { name, currency, colour, logo } = row.ok_or_else(Failure::not_found)?;
    Ok(Organisation { name, currency, colour, logo })
}

impl<S> FromRequestParts<S> for Browser
where
    S: Send + Sync,
    Cookies: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let notice = Notice::of(&parts.headers);
        let kind = parts.headers.get(HeaderName::from_static("hx-request-type"));
        let wants_part = kind.is_some_and(|kind| kind == "partial");
        Ok(Self { visitor: Visitor::from_request_parts(parts, state).await?, notice, wants_part })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Stranger {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let db = TenantDb::from_request_parts(parts, state).await.map_err(|error| Failure::internal(&error))?;
        Ok(Self { db, notice: Notice::of(&parts.headers) })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Outside {
    type Rejection = Infallible;

    /// At the base host, where there is no organisation.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { organisation: None, notice: Notice::of(&parts.headers) })
    }
}

/// An address of the same host to go back to. Anything else is the front page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Return(String);

impl Return {
    /// Takes `/path?query` alone: no other host, in none of the ways browsers read one.
    pub(crate) fn to(address: &str) -> Self {
        let is_here = address.starts_with('/')
            && !address[1..].starts_with(['/', '\\'])
            && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
            && !address.starts_with("/login");
        Self(if is_here { address.to_owned() } else { "/".to_owned() })
    }

    /// The address.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The part of another address that carries it; empty for the front page.
    pub(crate) fn query(&self) -> String {
        if self.0 == "/" { String::new() } else { format!("?next={}", encoded(&self.0)) }
    }
}

/// Percent-encoded, for a value in a query.
pub(crate) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_back_to_the_same_host_alone() {
        for here in ["/", "/expenses?status=paid", "/expenses/1"] {
            assert_eq!(Return::to(here).as_str(), here);
        }
        for elsewhere in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil",
            "/a\\b",
            "/login?next=/",
        ] {
            assert_eq!(Return::to(elsewhere).as_str(), "/", "{elsewhere}");
        }
        assert_eq!(Return::to("/a?b=c&d").query(), "?next=%2Fa%3Fb%3Dc%26d");
    }
}
