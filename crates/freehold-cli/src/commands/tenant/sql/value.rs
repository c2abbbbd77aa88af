use std::error::Error;
use std::fmt;

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Span};
use serde_json::{Value as Json, json};
use tokio_postgres::types::{FromSql, Kind, Type};
use uuid::Uuid;

use super::numeric;

type Refusal = Box<dyn Error + Sync + Send>;

/// A value of any type, for people and for programs.
///
/// Servers send values in binary form, which is decoded here for the types that applications use. A value of another
/// type is shown as the name of the type in angle brackets; `value::text` shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value(Json);

impl Value {
    pub(super) fn to_json(&self) -> Json {
        self.0.clone()
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Json::Null => Ok(()),
            Json::String(text) => f.write_str(text),
            other => other.fmt(f),
        }
    }
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Refusal> {
        decode(kind, raw).map(Self)
    }

    fn from_sql_null(_: &Type) -> Result<Self, Refusal> {
        Ok(Self(Json::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn decode(kind: &Type, raw: &[u8]) -> Result<Json, Refusal> {
    match kind.kind() {
        Kind::Array(_) if dimensions(raw) < 2 => return list(kind, raw),
        Kind::Domain(base) => return decode(base, raw),
        Kind::Enum(_) => return Ok(str::from_utf8(raw)?.into()),
        _ => {}
    }
    Ok(match *kind {
        Type::BOOL => bool::from_sql(kind, raw)?.into(),
        Type::INT2 => i16::from_sql(kind, raw)?.into(),
        Type::INT4 => i32::from_sql(kind, raw)?.into(),
        Type::INT8 => i64::from_sql(kind, raw)?.into(),
        Type::OID => u32::from_sql(kind, raw)?.into(),
        Type::FLOAT4 => float(f32::from_sql(kind, raw)?.into()),
        Type::FLOAT8 => float(f64::from_sql(kind, raw)?),
        Type::NUMERIC => numeric::text(raw).ok_or("a numeric of an unknown form")?.into(),
        Type::UUID => Uuid::from_sql(kind, raw)?.to_string().into(),
        Type::JSON | Type::JSONB => Json::from_sql(kind, raw)?,
        Type::BYTEA => raw.iter().fold(r"\x".to_owned(), |text, byte| text + &format!("{byte:02x}")).into(),
        Type::DATE => date(i32::from_be_bytes(raw.try_into()?))?.into(),
        Type::TIME => time(i64::from_be_bytes(raw.try_into()?))?.into(),
        Type::TIMESTAMP => timestamp(i64::from_be_bytes(raw.try_into()?), "")?.into(),
        Type::TIMESTAMPTZ => timestamp(i64::from_be_bytes(raw.try_into()?), "Z")?.into(),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::XML => {
            str::from_utf8(raw)?.into()
        }
        _ => format!("<{}>", kind.name()).into(),
    })
}

/// How many dimensions an array has: the first word of its binary form.
fn dimensions(raw: &[u8]) -> u32 {
    raw.first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
}

fn list(kind: &Type, raw: &[u8]) -> Result<Json, Refusal> {
    Ok(Vec::<Value>::from_sql(kind, raw)?.into_iter().map(|value| value.0).collect())
}

/// JSON has no word for what is not finite.
fn float(value: f64) -> Json {
    if value.is_finite() { json!(value) } else { value.to_string().into() }
}

/// PostgreSQL counts from here.
fn epoch() -> DateTime {
    DateTime::constant(2000, 1, 1, 0, 0, 0, 0)
}

fn date(days: i32) -> Result<String, Refusal> {
    Ok(match days {
        i32::MAX => "infinity".to_owned(),
        i32::MIN => "-infinity".to_owned(),
        days => Date::from(epoch()).checked_add(Span::new().try_days(days)?)?.to_string(),
    })
}

fn time(microseconds: i64) -> Result<String, Refusal> {
    Ok(Time::midnight().checked_add(SignedDuration::from_micros(microseconds))?.to_string())
}

fn timestamp(microseconds: i64, zone: &str) -> Result<String, Refusal> {
    Ok(match microseconds {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        since => epoch().checked_add(SignedDuration::from_micros(since))?.to_string() + zone,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_are_counted_from_the_year_2000() {
        assert_eq!(date(0).unwrap(), "2000-01-01");
        assert_eq!(date(-36_524).unwrap(), "1900-01-01");
        assert_eq!(date(i32::MAX).unwrap(), "infinity");
        assert_eq!(timestamp(-1, "Z").unwrap(), "1999-12-31T23:59:59.999999Z");
        assert_eq!(timestamp(i64::MIN, "").unwrap(), "-infinity");
        assert_eq!(time(3_723_000_001).unwrap(), "01:02:03.000001");
    }

    #[test]
    fn a_moment_beyond_what_can_be_shown_is_an_error_not_a_crash() {
        assert!(timestamp(i64::MAX - 1, "").is_err());
        assert!(date(i32::MAX - 1).is_err());
        assert!(time(i64::MAX).is_err());
    }
}
