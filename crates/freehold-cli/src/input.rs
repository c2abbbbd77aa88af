//! What is typed or piped in.

use std::io::{self, BufRead};

use tokio::sync::mpsc;

/// Lines of standard input.
///
/// They are read by a thread of its own, because nothing can interrupt such a read: a signal ends the program although
/// the thread still waits.
#[derive(Debug)]
pub(crate) struct Lines(mpsc::Receiver<io::Result<String>>);

impl Lines {
    pub(crate) fn read() -> Self {
        let (send, lines) = mpsc::channel(1);
        std::thread::spawn(move || {
            for line in io::stdin().lock().lines() {
                if send.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self(lines)
    }

    /// The next line, without its end; nothing after the last one.
    pub(crate) async fn next(&mut self) -> io::Result<Option<String>> {
        self.0.recv().await.transpose()
    }
}
