//! What the handlers share, and the table of routes.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use freehold::gate::{RequestLog, Tenancy};
use freehold::resolve::{Chain, Subdomain};
use freehold::{Freehold, Problem};
use http::header::{AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use lettre::message::Mailbox;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::failure::{Failure, internal_problem};
use crate::mail::{Mail, Postman, Transport};
use crate::openapi::{self, Document};
use crate::people::Passwords;
use crate::session::{Cookies, Door};
use crate::{
    Origin, activity, approvals, branding, budgets, categories, expenses, health, import, keys, names, overview,
    people, reports, session, settings, signup, web,
};

/// The largest body of a request, but for an import: a text may have 10,000 characters.
const BODY_LIMIT: usize = 256 * 1024;

/// What the handlers share. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) freehold: Freehold,
    pub(crate) origin: Origin,
    pub(crate) door: Door,
    pub(crate) imports: Arc<Semaphore>,
    front_ends: Vec<Origin>,
    pub(crate) mail: Mail,
}

impl App {
    /// The application at `origin`, for the tenants of `freehold`.
    pub fn new(freehold: Freehold, origin: Origin) -> Self {
        let cookies = Cookies::new(origin.is_secure());
        let mail = Mail::new(origin.clone());
        Self {
            freehold,
            origin,
            door: Door::new(cookies),
            imports: Arc::new(Semaphore::new(import::AT_ONCE)),
            front_ends: Vec::new(),
            mail,
        }
    }

    /// Answers scripts of pages on these origins too (CORS). They log in for a key; no cookie is sent from there.
    pub fn with_front_ends(self, origins: impl IntoIterator<Item = Origin>) -> Self {
        Self { front_ends: origins.into_iter().collect(), ..self }
    }

    /// Who sends what the application writes, from this address. Without one at work it waits in the outboxes.
    pub fn postman(&self, transport: Transport, from: Mailbox) -> Postman {
        Postman::new(self.freehold.clone(), &self.mail, transport, from)
    }
}

impl FromRef<App> for Door {
    fn from_ref(app: &App) -> Self {
        app.door.clone()
    }
}

impl FromRef<App> for Mail {
    fn from_ref(app: &App) -> Self {
        app.mail.clone()
    }
}

impl FromRef<App> for Passwords {
    fn from_ref(app: &App) -> Self {
        app.door.passwords.clone()
    }
}

impl FromRef<App> for Cookies {
    fn from_ref(app: &App) -> Self {
        app.door.cookies
    }
}

/// The application: at the host of its [`Origin`] the sign-up, below it the organisations.
///
/// ```no_run
/// # async fn start() -> anyhow::Result<()> {
/// use expenses::App;
/// use freehold::{Config, Freehold};
///
/// let freehold = Freehold::connect(Config::from_env()?).await?;
/// let router = expenses::router(App::new(freehold, "http://localhost:8080".parse()?))?;
/// axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, router).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// When the origin's domain is an address: there are no subdomains below one.
pub fn router(app: App) -> anyhow::Result<Router> {
    let chain = Chain::new(Subdomain::of([app.origin.domain()])?).then(keys::form()?);
    let tenancy = Tenancy::new(&app.freehold, chain).logged(RequestLog::new());
    let (base, base_document) = base_routes().split_for_parts();
    let (tenants, tenants_document) = tenant_routes().split_for_parts();
    let document = openapi::document([base_document, tenants_document]);
    let policy = SetResponseHeaderLayer::if_not_present(CONTENT_SECURITY_POLICY, web::base_policy(&app.origin)?);
    let base = base.merge(signup::pages()).layer(policy);
    let tenants = tenants.merge(tenant_pages());
    let router = tenancy.router(finish(tenants, &document, &app)?, finish(base, &document, &app)?);
    // Around both, and around what the gate says: problems become pages for people.
    Ok(router
        .layer(cors(&app.front_ends)?)
        .layer(from_fn(web::as_pages))
        .layer(from_fn_with_state(app.origin.clone(), web::with_headers))
        .layer(CompressionLayer::new().gzip(true)))
}

fn tenant_pages() -> Router<App> {
    Router::new()
        .route("/", get(overview::overview))
        .route("/login", get(session::login_page).post(session::enter))
        .route("/logout", post(session::leave))
        .merge(expenses::pages())
        .merge(names::pages())
        .merge(keys::pages())
        .merge(people::pages())
        .merge(settings::pages())
        .merge(approvals::pages())
        .merge(budgets::pages())
        .merge(categories::pages())
        .merge(activity::pages())
        .merge(branding::files())
        .merge(import::pages())
        .merge(reports::pages())
}

fn base_routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi()).routes(routes!(signup::sign_up)).routes(routes!(health::health))
}

fn tenant_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(session::login))
        .routes(routes!(session::logout))
        .routes(routes!(keys::exchange))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(people::list, people::add))
        .routes(routes!(people::update, people::remove))
        .routes(routes!(people::invite))
        .routes(routes!(expenses::list, expenses::create))
        .routes(routes!(expenses::read, expenses::update, expenses::delete))
        .routes(routes!(categories::list, categories::create))
        .routes(routes!(categories::rename, categories::delete))
        .routes(routes!(budgets::list, budgets::create))
        .routes(routes!(budgets::delete))
        .routes(routes!(reports::monthly))
        .routes(routes!(reports::by_unit))
        .routes(routes!(reports::by_supplier))
        .routes(routes!(import::upload))
        .routes(routes!(import::rejections))
        .routes(routes!(import::list))
        .routes(routes!(import::read))
        .routes(routes!(import::cancel))
}

/// What holds on both hosts.
fn finish(routes: Router<App>, document: &openapi::Json, app: &App) -> anyhow::Result<Router> {
    let csrf = app
        .front_ends
        .iter()
        .try_fold(CsrfLayer::new(), |layer, origin| layer.add_trusted_origin(origin.to_string()))?;
    let routes = routes
        .merge(openapi::route(document))
        .merge(web::assets())
        .fallback(async || Failure::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
                .detail("use a method the Allow header names")
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(csrf.with_rejection_response(cross_site))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(app.clone());
    Ok(routes)
}

/// What front ends on these origins may do: what the API offers, with a key, and never with a cookie.
fn cors(origins: &[Origin]) -> anyhow::Result<CorsLayer> {
    let origins: Result<Vec<HeaderValue>, _> = origins.iter().map(|origin| origin.to_string().parse()).collect();
    Ok(CorsLayer::new()
        .allow_origin(origins?)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
        .max_age(Duration::from_secs(600)))
}

fn cross_site(_: ProtectionError) -> Response {
    Problem::new(StatusCode::FORBIDDEN, "cross_site")
        .detail("the request was started by a page of another site, or of another organisation")
        .into_response()
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    internal_problem().into_response()
}
