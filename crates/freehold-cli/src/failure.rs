//! How a command ends: exit codes, and errors with a hint.

use std::error::Error;
use std::process::ExitCode;

use freehold_control::ControlError;
use tokio_postgres::error::SqlState;

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what was asked.
    Done,
    /// It looked for problems, and there are some.
    ProblemsFound,
    /// A signal of this number ended it.
    Stopped(i32),
    /// It ran another program, which ended with this code.
    Child(u8),
}

impl Outcome {
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::ProblemsFound => ExitCode::from(3),
            // As shells count it.
            Self::Stopped(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX)),
            Self::Child(code) => ExitCode::from(code),
        }
    }
}

/// An error that comes with what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub(crate) struct Advised {
    problem: String,
    hint: String,
}

impl Advised {
    pub(crate) fn new(problem: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { problem: problem.into(), hint: hint.into() }
    }
}

/// The error with its causes, and a hint below them where there is one.
pub(crate) fn render(error: &anyhow::Error) -> String {
    let mut causes = causes(error.as_ref());
    let mut text = format!("error: {}", causes.next().unwrap_or_default());
    for cause in causes {
        text.push_str("\n  because: ");
        text.push_str(&cause);
    }
    if let Some(hint) = error.chain().find_map(hint) {
        text.push_str("\nhint: ");
        text.push_str(&hint);
    }
    text
}

/// An error with its causes on one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    causes(error).collect::<Vec<_>>().join(": ")
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = String> + 'a {
    // The driver says "db error", and leaves it to its own cause to say which.
    let says_nothing = |error: &&(dyn Error + 'static)| {
        error.downcast_ref::<tokio_postgres::Error>().is_some_and(|error| error.as_db_error().is_some())
    };
    anyhow::Chain::new(error).filter(move |error| !says_nothing(error)).map(ToString::to_string)
}

/// 1 where the user can mend it, 2 where we did not expect it.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    let unexpected = error
        .chain()
        .any(|cause| matches!(cause.downcast_ref(), Some(ControlError::Database { .. } | ControlError::Catalog(_))));
    ExitCode::from(if unexpected { 2 } else { 1 })
}

fn hint(cause: &(dyn Error + 'static)) -> Option<String> {
    if let Some(advised) = cause.downcast_ref::<Advised>() {
        return Some(advised.hint.clone());
    }
    match cause.downcast_ref()? {
        ControlError::Connect { source, .. } => match *source.code()? {
            SqlState::INVALID_CATALOG_NAME | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                Some("run `freehold up`, which sets everything up".to_owned())
            }
            _ => None,
        },
        ControlError::Operation { .. } => Some(
            "mend the cause; a worker tries again (`freehold serve worker`), and `freehold tenant delete` gives it up"
                .to_owned(),
        ),
        _ => None,
    }
}
