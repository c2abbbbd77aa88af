//! A small SMTP server (RFC 5321) that keeps what it takes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use mail_parser::MessageParser;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// What came over one connection, once for each time.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Where the envelope says it goes.
    pub(crate) recipients: Vec<String>,
    /// As it came, without the dots that were put in on the way.
    pub(crate) bytes: Vec<u8>,
}

impl Received {
    pub(crate) fn id(&self) -> String {
        MessageParser::default().parse(&self.bytes).unwrap().message_id().unwrap().to_owned()
    }

    pub(crate) fn subject(&self) -> String {
        MessageParser::default().parse(&self.bytes).unwrap().subject().unwrap().to_owned()
    }

    pub(crate) fn text(&self) -> String {
        MessageParser::default().parse(&self.bytes).unwrap().body_text(0).unwrap().into_owned()
    }

    /// The path of the link in it, at the host it should be at.
    #[track_caller]
    pub(crate) fn link(&self, host: &str) -> String {
        let text = self.text();
        let begin = format!("http://{host}/");
        let mut links = text.split_whitespace().filter_map(|word| word.strip_prefix(&begin));
        format!("/{}", links.next().unwrap_or_else(|| panic!("no link to {host} in {text}")))
    }
}

/// What the server answers to a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// That it took it.
    Takes,
    /// That it cannot now.
    Refuses,
    /// Nothing: it took it, and says so to nobody.
    Hangs,
}

#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    pub(crate) address: SocketAddr,
    received: Arc<watch::Sender<Vec<Received>>>,
    mood: Arc<watch::Sender<Mood>>,
}

impl Mailbox {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mailbox = Self {
            address: listener.local_addr().unwrap(),
            received: Arc::new(watch::Sender::new(Vec::new())),
            mood: Arc::new(watch::Sender::new(Mood::Takes)),
        };
        let server = mailbox.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let server = server.clone();
                // A client that goes away in the middle is what some tests are about.
                tokio::spawn(async move { server.converse(stream).await });
            }
        });
        mailbox
    }

    /// Where programs send mail that is to come here.
    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    pub(crate) fn set_mood(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    pub(crate) fn all(&self) -> Vec<Received> {
        self.received.borrow().clone()
    }

    /// Waits until this many were received for the address, and returns them.
    #[track_caller]
    pub(crate) fn wait_for(&self, email: &str, count: usize) -> impl Future<Output = Vec<Received>> {
        let (mut received, email) = (self.received.subscribe(), email.to_owned());
        async move {
            let of = |all: &Vec<Received>| -> Vec<Received> {
                all.iter().filter(|mail| mail.recipients == [email.clone()]).cloned().collect()
            };
            let enough = timeout(Duration::from_secs(30), received.wait_for(|all| of(all).len() >= count)).await;
            let enough = enough.unwrap_or_else(|_| panic!("there are not {count} mails to {email}"));
            of(&enough.unwrap())
        }
    }

    /// Waits for a mail to the address whose subject has these words, and returns the last.
    pub(crate) async fn letter(&self, email: &str, subject: &str) -> Received {
        let mut received = self.received.subscribe();
        let fits = |mail: &&Received| mail.recipients == [email] && mail.subject().contains(subject);
        let there = received.wait_for(|all| all.iter().any(|mail| fits(&mail)));
        let there = timeout(Duration::from_secs(30), there).await;
        let there = there.unwrap_or_else(|_| panic!("there is no mail to {email} about {subject:?}")).unwrap();
        there.iter().rfind(fits).unwrap().clone()
    }

    async fn converse(self, stream: TcpStream) -> Option<()> {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        writer.write_all(b"220 mailbox\r\n").await.ok()?;
        let mut recipients = Vec::new();
        while let Some(line) = lines.next_line().await.ok()? {
            let answer = match line.split([' ', ':']).next().unwrap_or_default().to_uppercase().as_str() {
                "EHLO" => "250-mailbox\r\n250-8BITMIME\r\n250 SMTPUTF8".to_owned(),
                "RCPT" => {
                    let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                    recipients.push(address.to_owned());
                    "250 ok".to_owned()
                }
                "DATA" => {
                    writer.write_all(b"354 go on\r\n").await.ok()?;
                    let mut bytes = Vec::new();
                    loop {
                        let line = lines.next_line().await.ok()??;
                        if line == "." {
                            break;
                        }
                        bytes.extend_from_slice(line.strip_prefix('.').unwrap_or(&line).as_bytes());
                        bytes.extend_from_slice(b"\r\n");
                    }
                    let recipients = std::mem::take(&mut recipients);
                    let mood = *self.mood.borrow();
                    if mood != Mood::Refuses {
                        self.received.send_modify(|all| all.push(Received { recipients, bytes }));
                    }
                    match mood {
                        Mood::Takes => "250 taken".to_owned(),
                        Mood::Refuses => "451 the disc is full".to_owned(),
                        Mood::Hangs => std::future::pending().await,
                    }
                }
                "QUIT" => return writer.write_all(b"221 bye\r\n").await.ok(),
                "MAIL" | "RSET" | "NOOP" => "250 ok".to_owned(),
                _ => "500 what".to_owned(),
            };
            writer.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        }
        Some(())
    }
}
