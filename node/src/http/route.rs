//! Every route, once: the router and the API's description are both made from this list, so that the
//! one cannot say what the other does not do.

use super::app::App;
use super::problem::Problem;
use super::{
    backup, command, events, gate, metrics, node, openapi, pages, people, product_file, search, shops, trade,
};
use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::routing::{self, MethodRouter};
use utoipa::openapi::HttpMethod;

/// What a route answers with.
pub(super) enum Answer {
    /// JSON of this shape.
    Json(&'static str),
    /// Something else: its media type, and the shape of a line or event if it has one.
    Other(&'static str, Option<&'static str>),
}

/// What a route takes.
pub(super) enum Takes {
    /// No body.
    Nothing,
    /// JSON of this shape.
    Json(&'static str),
    /// Bytes of this media type.
    Bytes(&'static str),
}

/// One route.
pub(super) struct Route {
    pub(super) method: HttpMethod,
    /// With `{name}` for what varies.
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// Names of the query's fields; all may be left out.
    pub(super) query: &'static [&'static str],
    pub(super) takes: Takes,
    pub(super) answer: Answer,
    /// Whether it is answered without a token.
    pub(super) open: bool,
    handler: MethodRouter<App>,
}

impl Route {
    fn query(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }
    fn takes(self, takes: Takes) -> Self {
        Self { takes, ..self }
    }
    fn other(self, media: &'static str) -> Self {
        Self {
            answer: Answer::Other(media, None),
            ..self
        }
    }
    fn lines(self, media: &'static str, shape: &'static str) -> Self {
        Self {
            answer: Answer::Other(media, Some(shape)),
            ..self
        }
    }
    fn open(self) -> Self {
        Self { open: true, ..self }
    }
}

fn route(
    method: HttpMethod,
    path: &'static str,
    summary: &'static str,
    shape: &'static str,
    handler: MethodRouter<App>,
) -> Route {
    let answer = Answer::Json(shape);
    Route {
        method,
        path,
        summary,
        query: &[],
        takes: Takes::Nothing,
        answer,
        open: false,
        handler,
    }
}

fn get<H: Handler<T, App>, T: 'static>(
    path: &'static str,
    shape: &'static str,
    summary: &'static str,
    handler: H,
) -> Route {
    route(HttpMethod::Get, path, summary, shape, routing::get(handler))
}

fn post<H: Handler<T, App>, T: 'static>(
    path: &'static str,
    shape: &'static str,
    summary: &'static str,
    handler: H,
) -> Route {
    route(HttpMethod::Post, path, summary, shape, routing::post(handler))
}

const PAGED: &[&str] = &["after", "limit"];
const SEARCHED: &[&str] = &[
    "q", "shop", "category", "kind", "vendor", "currency", "min", "max", "in_stock", "sort", "offset",
    "limit",
];

/// All routes.
pub(super) fn routes() -> Vec<Route> {
    vec![
        get(
            "/login",
            "Error",
            "Uses up a one-time code and sets the page's cookie",
            pages::login,
        )
        .query(&["once", "to"])
        .other("text/html")
        .open(),
        get(
            "/healthz",
            "Error",
            "Whether the node can read its records",
            node::health,
        )
        .other("text/plain")
        .open(),
        get("/metrics", "Error", "Numbers for Prometheus", metrics::metrics).other("text/plain"),
        get(
            "/api/v1/openapi.json",
            "OpenApi",
            "This description",
            openapi::document,
        ),
        post(
            "/api/v1/commands",
            "Reply",
            "Carries out a command; answers once it is on disk",
            command::command,
        )
        .takes(Takes::Json("Command")),
        get(
            "/api/v1/status",
            "Status",
            "What this node is and whom it is connected to",
            node::status,
        ),
        get(
            "/api/v1/profiles/{author}",
            "Profile",
            "Somebody",
            people::profile,
        ),
        get(
            "/api/v1/follows",
            "Follows",
            "Whom the owner follows",
            people::follows,
        )
        .query(PAGED),
        get(
            "/api/v1/feed",
            "Feed",
            "What the people one follows said, newest first",
            people::feed,
        )
        .query(PAGED),
        get(
            "/api/v1/posts/{id}",
            "Post",
            "One post and its answers",
            people::post,
        ),
        get(
            "/api/v1/search",
            "Found",
            "Listings that this node holds",
            search::search,
        )
        .query(SEARCHED),
        get("/api/v1/shops/{author}", "Shop", "A shop's terms", shops::shop),
        get(
            "/api/v1/shops/{author}/listings",
            "Listings",
            "A shop's listings",
            shops::listings,
        )
        .query(PAGED),
        get(
            "/api/v1/shops/{author}/listings/{listing}",
            "Listing",
            "A listing",
            shops::listing,
        ),
        get(
            "/api/v1/shops/{author}/listings/{listing}/reviews",
            "Reviews",
            "What buyers said",
            shops::reviews,
        )
        .query(&["limit"]),
        get(
            "/api/v1/orders",
            "Orders",
            "The owner's orders, newest first",
            trade::orders,
        )
        .query(PAGED),
        get(
            "/api/v1/orders/{order}",
            "Order",
            "An order, once it is in a state waited for",
            trade::order,
        )
        .query(&["wait", "timeout_ms"]),
        get("/api/v1/tabs", "Tabs", "The owner's tabs", trade::tabs).query(PAGED),
        get(
            "/api/v1/tabs/{tab}",
            "Tab",
            "A tab and what changed it",
            trade::tab,
        ),
        get(
            "/api/v1/addresses",
            "Addresses",
            "The owner's delivery addresses",
            people::addresses,
        )
        .query(PAGED),
        get("/api/v1/drafts", "Drafts", "The owner's drafts", people::drafts).query(PAGED),
        get(
            "/api/v1/events",
            "Event",
            "What happens, as it happens",
            events::events,
        )
        .query(&["after"])
        .lines("text/event-stream", "Event"),
        get(
            "/api/v1/devices",
            "Devices",
            "The owner's devices, and one that wants to become one",
            node::devices,
        ),
        post("/api/v1/peers", "Dialled", "Dials an address", node::dial).takes(Takes::Json("Dial")),
        post(
            "/api/v1/shop/import",
            "ImportLine",
            "Reads a product file into the shop",
            product_file::import,
        )
        .query(&["drafts"])
        .takes(Takes::Bytes("text/csv"))
        .lines("application/x-ndjson", "ImportLine"),
        get(
            "/api/v1/shop/export",
            "Error",
            "The shop as a product file",
            product_file::export,
        )
        .other("text/csv"),
        get(
            "/api/v1/backup",
            "Error",
            "Everything that the node remembers, as a backup holds it",
            backup::backup,
        )
        .other("application/octet-stream"),
        post(
            "/api/v1/login-links",
            "Link",
            "A one-time link to the node's page",
            node::login_link,
        ),
        post("/api/v1/stop", "Stopping", "Stops the node", node::stop),
    ]
}

/// Paths that are answered without a token. They vary in nothing.
pub(super) fn is_open(path: &str) -> bool {
    static OPEN: std::sync::LazyLock<Vec<&'static str>> = std::sync::LazyLock::new(|| {
        routes()
            .iter()
            .filter(|route| route.open)
            .map(|route| route.path)
            .collect()
    });
    OPEN.contains(&path) || pages::is_open(path)
}

/// What answers all routes and pages, before any gate.
pub(super) fn handlers() -> Router<App> {
    let router = routes().into_iter().fold(pages::router(), |router, route| {
        router.route(route.path, route.handler)
    });
    router
        .fallback(pages::nowhere)
        .method_not_allowed_fallback(|request: Request| async move {
            Problem::Method(format!("{} {}", request.method(), request.uri().path()))
        })
}

/// The router of all routes and pages, behind the gate.
pub(super) fn router(app: App) -> Router {
    handlers()
        .layer(axum::middleware::from_fn_with_state(app.clone(), gate::gate))
        .with_state(app)
}
