use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MessageBuilder};

use super::outbox::Claimed;

/// A mail that cannot be put in the form mail has, now or later.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unmailable {
    #[error("no mail can be sent to this address")]
    Recipient(#[from] lettre::address::AddressError),
    #[error("the mail cannot be written")]
    Message(#[from] lettre::error::Error),
}

/// Says to programs that answer mail that nobody reads their answer (RFC 3834, section 5).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

/// The mail as it goes out. Each time it does it has the same Message-ID.
pub(super) fn message(from: &Mailbox, mail: &Claimed, body: Body) -> Result<Message, Unmailable> {
    let automatic = HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned());
    let builder: MessageBuilder = Message::builder()
        .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
        .from(from.clone())
        .to(Mailbox::new(None, mail.recipient.parse()?))
        .subject(&mail.subject)
        .header(ContentType::TEXT_PLAIN)
        .raw_header(automatic);
    Ok(builder.body(body)?)
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;
    use uuid::Uuid;

    use super::*;

    fn mail(recipient: &str, subject: &str, body: &str) -> Claimed {
        Claimed {
            id: Uuid::nil(),
            recipient: recipient.to_owned(),
            subject: subject.to_owned(),
            body: body.to_owned(),
            attempts: 1,
        }
    }

    fn written(mail: &Claimed) -> Result<Vec<u8>, Unmailable> {
        let from = "Expenses <no-reply@example.com>".parse().unwrap();
        message(&from, mail, Body::new(mail.body.clone())).map(|message| message.formatted())
    }

    /// The names of the headers, in alphabetical order.
    const HEADERS: [&str; 7] =
        ["Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-ID", "Subject"];

    #[test]
    fn whatever_is_in_a_subject_or_a_text_stays_there() {
        for (subject, text) in [
            ("Welcome", "Hello"),
            ("You are invited to Anna\r\nBcc: eve@example.com", "a\r\nb"),
            ("Anna\nBcc: eve@example.com\n\nfree text", "a\n.\nQUIT\n..b"),
            ("Anna\rBcc: eve@example.com", ""),
            ("=?utf-8?q?Anna=0ABcc:_eve@example.com?=", "=0ABcc: x"),
            ("شركة \u{202e}الاختبار 🎈", "مرحبا 🎈"),
            (&"long 🎈 ".repeat(60), &"without a break".repeat(300)),
            ("\u{2028}Bcc: eve@example.com\u{85}", "\u{2028}Bcc: eve@example.com"),
        ] {
            let bytes = written(&mail("ann@example.com", subject, text)).unwrap();
            let parsed = MessageParser::default().parse(&bytes).unwrap();
            let mut names: Vec<_> = parsed.headers().iter().map(|header| header.name().to_owned()).collect();
            names.sort();
            let mut expected: Vec<_> = HEADERS.iter().map(ToString::to_string).collect();
            expected.push("To".to_owned());
            assert_eq!(names, expected, "{subject:?}");
            assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("ann@example.com"));
            let said = parsed.body_text(0).unwrap();
            assert_eq!(said.trim_end().replace("\r\n", "\n"), text.replace("\r\n", "\n"), "{subject:?}");
        }
    }

    #[test]
    fn an_address_that_would_be_more_than_an_address_is_none() {
        for recipient in [
            "ann@example.com\r\nBcc: eve@example.com",
            "ann@example.com>, <eve@example.com",
            "ann@example.com, eve@example.com",
            "ann@example.com\nRCPT TO:<eve@example.com>",
            "Ann <ann@example.com>",
            "ann",
            "",
        ] {
            assert!(written(&mail(recipient, "s", "b")).is_err(), "{recipient:?} was mailed to");
        }
    }

    #[test]
    fn a_mail_has_the_same_id_each_time() {
        let id = || {
            let message = written(&mail("ann@example.com", "s", "b")).unwrap();
            MessageParser::default().parse(&message).unwrap().message_id().unwrap().to_owned()
        };
        assert_eq!(id(), format!("{}@example.com", Uuid::nil()));
        assert_eq!(id(), id());
    }
}
