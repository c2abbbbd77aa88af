use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;
use tracing::debug;

use crate::client::{Answer, Client, Request, Site};
use crate::document::{Document, Operation};
use crate::report::{Finding, Probed, Report};
use crate::twin::{self, Twin, ends_a_session};
use crate::values::{Fill, Words};
use crate::{ScanError, probe};

/// What to scan, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The application's base host.
    pub url: String,
    /// The path of its `OpenAPI` document, unless it is where most are.
    pub openapi: Option<String>,
    /// What the document does not tell.
    pub recipe: Recipe,
    /// The operations to attack, as `GET /expenses/{id}`, while one of them is being mended. Empty: all.
    pub only: Vec<String>,
}

impl Options {
    /// A scan of everything that finds out everything by itself.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), openapi: None, recipe: Recipe::default(), only: Vec::new() }
    }
}

/// What a document does not tell of an application, as it is written in a file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Recipe {
    /// The operation that makes a tenant, as `POST /signup`.
    pub sign_up: Option<String>,
    /// The operation that makes a session.
    pub log_in: Option<String>,
    /// Two tenants that are there already, instead of two that sign up.
    pub twins: Vec<GivenTwin>,
    /// Bodies for operations, where a schema says too little. `{canary}`, `{slug}`, `{email}` and `{password}` are filled in.
    pub bodies: BTreeMap<String, String>,
    /// Operations to leave alone, each with the reason.
    pub leave: BTreeMap<String, String>,
}

/// A tenant that is there already.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct GivenTwin {
    /// Its host, with the port.
    pub host: String,
    /// Headers that let somebody in, such as a cookie.
    pub headers: BTreeMap<String, String>,
}

/// The state of a scan.
pub(crate) struct Scan {
    pub(crate) document: Document,
    pub(crate) recipe: Recipe,
    pub(crate) base: Client,
    pub(crate) a: Twin,
    pub(crate) b: Twin,
    /// What B reads of itself, and always the same.
    pub(crate) state_of_b: Vec<(Request, String)>,
    pub(crate) report: Report,
}

/// Scans an application.
///
/// It creates two tenants in it, and leaves them there: scan what is made for tests.
///
/// # Errors
///
/// When the application does not answer, describes nothing, or not the operations that are named, lets no tenant in, or shows a
/// tenant nothing of what it wrote.
pub async fn scan(options: Options) -> Result<Report, ScanError> {
    let site = Site::find(&options.url).await?;
    let base = site.at(&site.base)?;
    let document = Document::fetch(&base, options.openapi.as_deref()).await?;
    let known: Vec<_> = document.operations.iter().map(Operation::name).collect();
    let mut named = options.only.iter().chain(options.recipe.leave.keys()).chain(options.recipe.bodies.keys());
    if let Some(unknown) = named.find(|name| !known.contains(name)) {
        return Err(ScanError::UnknownOperation { operation: unknown.clone(), known: known.join(", ") });
    }
    let run = uuid::Uuid::new_v4().simple().to_string()[..8].to_owned();
    let [mut a, mut b] = ['a', 'b'].map(|role| Words::new(role, &run));
    // What is not free text is the same for both, so that only the tenant tells them apart.
    b.password.clone_from(&a.password);
    let recipe = options.recipe;
    let (a, b) = match &recipe.twins[..] {
        [first, second] => (Twin::given(&site, first, a)?, Twin::given(&site, second, b)?),
        _ => {
            a.slug.truncate(63);
            (Twin::sign_up(&site, &document, &recipe, a).await?, Twin::sign_up(&site, &document, &recipe, b).await?)
        }
    };
    let mut scan = Scan {
        document,
        recipe,
        base,
        a,
        b,
        state_of_b: Vec::new(),
        report: Report { url: options.url, ..Report::default() },
    };
    scan.populate().await?;
    for operation in scan.document.operations.clone() {
        let name = operation.name();
        let reason = match scan.recipe.leave.get(&name) {
            None if !options.only.is_empty() && !options.only.contains(&name) => Some("only others were asked for"),
            reason => reason.map(String::as_str),
        };
        let probed = match reason {
            Some(reason) => Probed { operation: name, probes: Vec::new(), not_probed: Some(reason.to_owned()) },
            None => probe::run(&mut scan, &operation).await?,
        };
        scan.report.operations.push(probed);
    }
    if options.only.is_empty() {
        probe::addresses(&mut scan).await?;
    }
    probe::equals(&mut scan).await?;
    scan.report.findings.dedup();
    Ok(scan.report)
}

impl Scan {
    /// Both twins write what they can, and again, since what was created first names what can be created below it; then they
    /// read all they may.
    async fn populate(&mut self) -> Result<(), ScanError> {
        let is_plain = |operation: &Operation| {
            !self.is_of_sessions(operation) && !self.recipe.leave.contains_key(&operation.name())
        };
        let operations: Vec<_> =
            self.document.operations.iter().filter(|operation| is_plain(operation)).cloned().collect();
        let mut creating = 0;
        let mut succeeded = 0;
        // B has one of each more, so that numbers tell the twins apart too.
        for is_last in [false, false, true] {
            for operation in operations.iter().filter(|operation| operation.method == Method::POST) {
                creating += 1;
                let of_b = self.write(operation, false).await?;
                let of_a = is_last || self.write(operation, true).await?;
                succeeded += usize::from(of_a && of_b);
            }
        }
        for operation in operations.iter().filter(|operation| operation.is_safe()) {
            for is_a in [true, false] {
                self.read(operation, is_a).await?;
            }
        }
        // What is changed by its id: how, A finds out on its own.
        for operation in operations.iter().filter(|operation| [Method::PUT, Method::PATCH].contains(&operation.method))
        {
            self.write(operation, true).await?;
        }
        self.note_state_of_b(&operations).await?;
        let seen: usize = self.state_of_b.iter().map(|(_, body)| self.b.words.canaries_in(body).len()).sum();
        if seen == 0 { Err(ScanError::Blind { created: creating, succeeded }) } else { Ok(()) }
    }

    fn is_of_sessions(&self, operation: &Operation) -> bool {
        let is_sign_up = twin::sign_up_of(&self.document, &self.recipe).is_ok_and(|sign_up| sign_up == *operation);
        is_sign_up || ends_a_session(operation) || operation.is_about(&["login", "signin"])
    }

    /// Has a twin write something: with every property, without one after the other, with those that must be.
    async fn write(&mut self, operation: &Operation, is_a: bool) -> Result<bool, ScanError> {
        let twin = if is_a { &mut self.a } else { &mut self.b };
        let Some(values) = values_for(operation, twin) else { return Ok(false) };
        let schema =
            operation.body.as_ref().map(|body| self.document.resolve(&body.schema).clone()).unwrap_or_default();
        let properties: Vec<String> =
            schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let without = properties.into_iter().map(Fill::Without);
        let accepted = twin.fills.get(&operation.name()).cloned();
        for fill in accepted.into_iter().chain([Fill::All]).chain(without).chain([Fill::Required]) {
            let request = twin::request(&self.document, &self.recipe, operation, &mut twin.words, &fill, &values);
            let answer = twin.client.send(&request).await?;
            self.report.requests += 1;
            if answer.status.is_success() {
                twin.treasure.collect(operation, &answer);
                if !twin.created.iter().any(|(name, _)| *name == operation.name()) {
                    twin.created.push((operation.name(), request));
                }
                twin.fills.insert(operation.name(), fill);
                return Ok(true);
            }
            debug!(
                operation = operation.name(),
                status = answer.status.as_u16(),
                answer = answer.excerpt(),
                "not created"
            );
        }
        Ok(false)
    }

    async fn read(&mut self, operation: &Operation, is_a: bool) -> Result<(), ScanError> {
        let twin = if is_a { &mut self.a } else { &mut self.b };
        let Some(values) = values_for(operation, twin) else { return Ok(()) };
        let mut request = twin::request(&self.document, &self.recipe, operation, &mut twin.words, &Fill::All, &values);
        let limit = operation
            .query_parameters()
            .find(|parameter| ["limit", "page_size", "per_page"].contains(&parameter.name.as_str()));
        if let Some(limit) = limit {
            // A short page, for the cursor to the next.
            let separator = if request.path.contains('?') { '&' } else { '?' };
            request.path.push_str(&format!("{separator}{}=1", limit.name));
        }
        let answer = twin.client.send(&request).await?;
        self.report.requests += 1;
        if answer.status.is_success() {
            twin.treasure.collect(operation, &answer);
        }
        let other = if is_a { &self.b } else { &self.a };
        if let Some(canary) = other.words.canaries_in(&answer.text()).first() {
            let what = format!("a tenant's own request is answered with what only another wrote: {canary}");
            self.find(operation, probe::READS, what, &request, &answer);
        }
        Ok(())
    }

    /// Whether this is what B reads there.
    pub(crate) fn is_of_b(&self, path: &str, body: &str) -> bool {
        self.state_of_b.iter().any(|(request, state)| request.path == path && state == body)
    }

    /// What B reads, as long as it is the same twice in a row.
    async fn note_state_of_b(&mut self, operations: &[Operation]) -> Result<(), ScanError> {
        for operation in operations.iter().filter(|operation| operation.is_safe()) {
            let Some(values) = values_for(operation, &self.b) else { continue };
            let request =
                twin::request(&self.document, &self.recipe, operation, &mut self.b.words, &Fill::All, &values);
            let (first, second) = (self.b.client.send(&request).await?, self.b.client.send(&request).await?);
            self.report.requests += 2;
            if first.status.is_success() && first.body == second.body {
                self.state_of_b.push((request, first.body));
            }
        }
        Ok(())
    }

    /// What of B is not as it was. Notes it anew, so that it is told once.
    pub(crate) async fn changes_of_b(&mut self) -> Result<Option<String>, ScanError> {
        let mut changed = None;
        for place in 0..self.state_of_b.len() {
            let (request, before) = self.state_of_b[place].clone();
            let mut now = self.b.client.send(&request).await?;
            self.report.requests += 1;
            if !now.status.is_success() {
                match self.b.log_in(&self.document, &self.recipe).await {
                    Ok(()) => now = self.b.client.send(&request).await?,
                    // Whoever was in there is gone, or has another password or role: changed, like anything else.
                    Err(ScanError::Refused { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            if now.body != before {
                changed.get_or_insert_with(|| format!("{} {}", request.method, request.path));
                self.state_of_b[place].1 = now.body;
            }
        }
        Ok(changed)
    }

    /// Sends as `client`, and looks for B's canaries in the answer.
    pub(crate) async fn attack(
        &mut self,
        client: &Client,
        request: &Request,
        operation: &Operation,
        probe: &'static str,
        how: &str,
    ) -> Result<Answer, ScanError> {
        let answer = client.send(request).await?;
        self.report.requests += 1;
        let (text, sent) = (answer.text(), request.sent());
        let leaked = self.b.words.canaries_in(&text).into_iter().find(|canary| !sent.contains(*canary));
        if let Some(canary) = leaked {
            let what = format!("{how}, the answer has what only the other tenant wrote: {canary}");
            self.find(operation, probe, what, request, &answer);
        }
        Ok(answer)
    }

    pub(crate) fn find(
        &mut self,
        operation: &Operation,
        probe: &'static str,
        what: String,
        request: &Request,
        answer: &Answer,
    ) {
        let body = request
            .body
            .as_ref()
            .map(|(_, body)| format!(" {}", body.chars().take(200).collect::<String>()))
            .unwrap_or_default();
        let evidence =
            format!("{} {}{body} -> {} {}", request.method, request.path, answer.status.as_u16(), answer.excerpt());
        let finding = Finding { operation: operation.name(), probe, what, evidence };
        let is_known = |known: &Finding| {
            (&known.operation, known.probe, &known.what) == (&finding.operation, probe, &finding.what)
        };
        if !self.report.findings.iter().any(is_known) {
            self.report.findings.push(finding);
        }
    }

    /// Keeps A logged in, whatever it called.
    pub(crate) async fn revive_a(&mut self) -> Result<(), ScanError> {
        self.a.log_in(&self.document, &self.recipe).await
    }
}

/// What a twin fills an operation's path with; `None` where it knows nothing that fits.
pub(crate) fn values_for(operation: &Operation, twin: &Twin) -> Option<Vec<String>> {
    if operation.path_parameters().next().is_none() { Some(Vec::new()) } else { twin.treasure.path_values(operation) }
}
