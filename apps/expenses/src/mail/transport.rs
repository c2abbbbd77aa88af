use std::error::Error;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use lettre::message::Body;
use lettre::message::header::ContentTransferEncoding;
use lettre::transport::smtp;
use lettre::{AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

/// Where a [`Postman`](super::Postman) takes mail.
#[derive(Debug)]
pub struct Transport(Means);

#[derive(Debug)]
enum Means {
    Files(AsyncFileTransport<Tokio1Executor>),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

impl Transport {
    /// Into files of a directory, which is created if need be: for development.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub fn files(directory: &Path) -> io::Result<Self> {
        // Links in mail let in whoever reads them.
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        Ok(Self(Means::Files(AsyncFileTransport::new(directory))))
    }

    /// To an SMTP server: `smtps://user:password@host`, or `smtp://host:port?tls=required`.
    ///
    /// # Errors
    ///
    /// When the address is not of this kind.
    pub fn smtp(url: &SecretString) -> Result<Self, smtp::Error> {
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())?;
        Ok(Self(Means::Smtp(builder.build())))
    }

    /// Writes text for where it goes. What is encoded for servers breaks links that are longer than a line of a terminal; in
    /// a file one is to be copied, and nobody minds how long its lines are.
    pub(super) fn body(&self, text: &str) -> Body {
        match self.0 {
            Means::Files(_) => {
                let lines = text.replace('\n', "\r\n").into_bytes();
                Body::dangerous_pre_encoded(lines, ContentTransferEncoding::EightBit)
            }
            Means::Smtp(_) => Body::new(text.to_owned()),
        }
    }

    pub(super) async fn send(&self, message: Message) -> Result<(), Box<dyn Error + Send + Sync>> {
        match &self.0 {
            Means::Files(files) => files.send(message).await.map(drop)?,
            Means::Smtp(server) => server.send(message).await.map(drop)?,
        }
        Ok(())
    }
}
