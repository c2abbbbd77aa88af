use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::ops::{Deref, DerefMut};

use axum::extract::rejection::FormRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use freehold::Problem;
use http::StatusCode;
use http::request::Parts;

use crate::failure::Failure;

/// The fields of a form as they were sent, and what is wrong with them: enough to show the form again as it was.
///
/// Of a field that was sent twice the last counts. Passwords are never shown again, because templates do not ask for them.
#[derive(Default)]
pub(crate) struct Form {
    values: HashMap<String, String>,
    faults: BTreeMap<&'static str, String>,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be passwords.
        f.debug_struct("Form").field("fields", &self.values.keys()).field("faults", &self.faults).finish()
    }
}

impl Form {
    /// A form that is shown for the first time, with what its fields hold.
    pub(crate) fn of(values: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self { values, faults: BTreeMap::new() }
    }

    /// What the field holds, as it was sent.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Whether the form has the field.
    pub(crate) fn has_field(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Puts another value into the field.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.values.insert(name.to_owned(), value);
    }

    /// Whether the field, a choice, holds this value.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }

    /// What is wrong with the field.
    pub(crate) fn fault(&self, name: &str) -> Option<&str> {
        self.faults.get(name).map(String::as_str)
    }

    /// Everything that is wrong, by field.
    pub(crate) fn faults(&self) -> impl Iterator<Item = (&&'static str, &String)> {
        self.faults.iter()
    }

    /// Whether nothing is wrong, as far as it was read.
    pub(crate) fn is_valid(&self) -> bool {
        self.faults.is_empty()
    }

    /// Says what is wrong with a field.
    pub(crate) fn refuse(&mut self, name: &'static str, words: impl Display) {
        self.faults.entry(name).or_insert_with(|| capitalised(&words.to_string()));
    }

    /// The field as a value of its kind. What it cannot be is noted, and shown with the form.
    pub(crate) fn read<T: TryFrom<String, Error: Display>>(&mut self, name: &'static str) -> Option<T> {
        match T::try_from(self.value(name).to_owned()) {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(name, error);
                None
            }
        }
    }

    /// The same for a field that may be left empty.
    pub(crate) fn read_if_filled<T: TryFrom<String, Error: Display>>(&mut self, name: &'static str) -> Option<T> {
        if self.value(name).trim().is_empty() { None } else { self.read(name) }
    }
}

/// Faults stand alone, as sentences.
pub(crate) fn capitalised(words: &str) -> String {
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Form::<HashMap<String, String>>::from_request(request, state).await {
            // PostgreSQL has no text with a NUL, and no keyboard has the key.
            Ok(axum::Form(values)) if values.values().any(|value| value.contains('\0')) => {
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid")
                    .detail("a field contains a NUL character"))
            }
            Ok(axum::Form(values)) => Ok(Self { values, faults: BTreeMap::new() }),
            Err(rejection) => Err(refused(&rejection)),
        }
    }
}

fn refused(rejection: &FormRejection) -> Problem {
    let code = match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        _ => "broken_body",
    };
    Problem::new(rejection.status(), code).detail(rejection.body_text())
}

/// The fields behind the question mark: a form that is sent by a link, too.
#[derive(Debug, Default)]
pub(crate) struct Query(Form);

impl Query {
    /// Another address with the same fields, but for these. Fields that are empty are left out.
    pub(crate) fn with(&self, address: &str, other: &[(&str, &str)]) -> String {
        let mut fields: BTreeMap<&str, &str> =
            self.0.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.extend(other.iter().copied());
        fields.retain(|_, value| !value.is_empty());
        if fields.is_empty() {
            return address.to_owned();
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        format!("{address}?{query}")
    }
}

impl Deref for Query {
    type Target = Form;

    fn deref(&self) -> &Form {
        &self.0
    }
}

impl DerefMut for Query {
    fn deref_mut(&mut self) -> &mut Form {
        &mut self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or_default();
        let values: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        if values.values().any(|value| value.contains('\0')) {
            return Err(Failure::invalid("a field contains a NUL character"));
        }
        Ok(Self(Form { values, faults: BTreeMap::new() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Amount;

    #[test]
    fn what_was_typed_is_kept_beside_what_is_wrong_with_it() {
        let mut form = Form::of([("amount", "twelve".to_owned())]);
        assert_eq!(form.read::<Amount>("amount"), None);
        assert!(!form.is_valid());
        assert_eq!(form.value("amount"), "twelve");
        assert!(form.fault("amount").unwrap().starts_with("Not an amount"));
    }

    #[test]
    fn a_field_that_may_be_empty_is_nothing_when_it_is() {
        let mut form = Form::of([("amount", " ".to_owned())]);
        assert_eq!(form.read_if_filled::<Amount>("amount"), None);
        assert!(form.is_valid());
    }

    #[test]
    fn what_was_typed_is_not_in_the_log() {
        let form = Form::of([("password", "correct horse".to_owned())]);
        assert!(!format!("{form:?}").contains("horse"));
    }

    #[test]
    fn a_link_keeps_what_is_looked_for_and_leaves_out_what_is_empty() {
        let query = Query(Form::of([("q", "a&b".to_owned()), ("status", String::new()), ("after", "x".to_owned())]));
        assert_eq!(query.with("/expenses", &[("order", "largest"), ("after", "")]), "/expenses?order=largest&q=a%26b");
        assert_eq!(query.with("/expenses", &[("q", ""), ("after", "")]), "/expenses");
    }
}
