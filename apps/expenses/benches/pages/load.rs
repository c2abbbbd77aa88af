//! Requests, and how long they took.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use http::header::CONTENT_TYPE;
use http_body_util::Full;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use crate::connection::Connection;
use crate::deck::{Organisation, Page};
use crate::program::client::Client;

/// Requests at once, but for the changes.
pub(crate) const CLIENTS: u64 = 4;
/// Requests for a page that nobody else asks for anything meanwhile.
const ALONE: usize = 15;

/// What requests of a kind took, and brought.
#[derive(Clone, Default)]
pub(crate) struct Sample {
    pub(crate) times: Vec<Duration>,
    pub(crate) bytes: u64,
}

/// Samples of an organisation's pages, in the order of its deck, and of changes.
#[derive(Clone, Default)]
pub(crate) struct Samples {
    pub(crate) pages: Vec<Sample>,
    pub(crate) changes: Sample,
}

impl Samples {
    fn of(organisation: &Organisation) -> Self {
        Self { pages: vec![Sample::default(); organisation.pages.len()], changes: Sample::default() }
    }

    fn add(&mut self, other: Self) {
        for (sample, other) in self.pages.iter_mut().zip(other.pages) {
            sample.times.extend(other.times);
            sample.bytes += other.bytes;
        }
        self.changes.times.extend(other.changes.times);
        self.changes.bytes += other.changes.bytes;
    }
}

/// Each page a few times, one request at a time, on a connection that is warm.
pub(crate) async fn one_after_the_other(address: SocketAddr, organisations: &[Organisation; 2]) -> [Samples; 2] {
    let mut samples = organisations.each_ref().map(Samples::of);
    let mut connection = Connection::open(address).await;
    for (organisation, samples) in organisations.iter().zip(&mut samples) {
        for (page, sample) in organisation.pages.iter().zip(&mut samples.pages) {
            ask(&mut connection, address, &organisation.owner, page, &mut Sample::default()).await;
            for _ in 0..ALONE {
                ask(&mut connection, address, &organisation.owner, page, sample).await;
            }
        }
    }
    samples
}

/// Clients that ask for the pages of both organisations in random order, each for the next as soon as it has one, and somebody
/// who changes an expense every second, here and there by turns.
pub(crate) async fn mixed(address: SocketAddr, organisations: &[Organisation; 2], lasting: Duration) -> [Samples; 2] {
    let end = Instant::now() + lasting;
    let clients = (0..CLIENTS).map(|number| browse(address, organisations, number, end));
    let (browsed, changed) = tokio::join!(futures_util::future::join_all(clients), change(address, organisations, end));
    let mut all = changed;
    for samples in browsed {
        for (all, samples) in all.iter_mut().zip(samples) {
            all.add(samples);
        }
    }
    all
}

async fn browse(address: SocketAddr, organisations: &[Organisation; 2], number: u64, end: Instant) -> [Samples; 2] {
    let mut samples = organisations.each_ref().map(Samples::of);
    let mut deck: Vec<(usize, usize)> =
        (0..2).flat_map(|which| (0..organisations[which].pages.len()).map(move |page| (which, page))).collect();
    let mut random = StdRng::seed_from_u64(number);
    let mut connection = Connection::open(address).await;
    loop {
        deck.shuffle(&mut random);
        for &(which, page) in &deck {
            if Instant::now() >= end {
                return samples;
            }
            let Organisation { owner, pages, .. } = &organisations[which];
            ask(&mut connection, address, owner, &pages[page], &mut samples[which].pages[page]).await;
        }
    }
}

async fn ask(connection: &mut Connection, address: SocketAddr, owner: &Client, page: &Page, sample: &mut Sample) {
    let (status, bytes, time) = if page.is_file {
        let connection = Connection::open(address).await;
        let start = Instant::now();
        let (status, bytes) = connection.first_part(owner, &page.path).await;
        (status, bytes, start.elapsed())
    } else {
        let start = Instant::now();
        let received = connection.page(owner, &page.path).await;
        (received.status, received.bytes, start.elapsed())
    };
    assert_eq!(status, 200, "{} of {}: {}", page.name, owner.slug(), page.path);
    sample.times.push(time);
    sample.bytes += bytes;
}

async fn change(address: SocketAddr, organisations: &[Organisation; 2], end: Instant) -> [Samples; 2] {
    let mut samples = organisations.each_ref().map(Samples::of);
    let mut connection = Connection::open(address).await;
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0.. {
        seconds.tick().await;
        if Instant::now() >= end {
            break;
        }
        let which = number % 2;
        let Organisation { owner, changed, .. } = &organisations[which];
        let path = format!("/api/expenses/{}", changed[number % changed.len()]);
        let now = connection.send(owner.request(Method::GET, &path).body(Full::default()).unwrap()).await;
        let now: Value = serde_json::from_slice(&now.body).unwrap();
        let request = owner.request(Method::PATCH, &path).header(CONTENT_TYPE, "application/json");
        let body = json!({"amount": format!("{number}.25"), "version": now["version"]}).to_string();
        let start = Instant::now();
        let received = connection.send(request.body(Full::from(Bytes::from(body))).unwrap()).await;
        assert_eq!(received.status, 200, "{}", String::from_utf8_lossy(&received.body));
        samples[which].changes.times.push(start.elapsed());
        samples[which].changes.bytes += received.bytes;
    }
    samples
}
