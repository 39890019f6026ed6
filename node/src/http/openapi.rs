//! The API's description in OpenAPI 3.1, made from the list of routes.

use super::problem::Problem;
use super::route::{Answer, Route, Takes, routes};
use super::shape::{SHAPES, schema};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, Ref, Required, ResponseBuilder,
};

const TOKEN: &str = "token";

/// The document, or which shape of it is none.
static DOCUMENT: LazyLock<Result<Vec<u8>, String>> =
    LazyLock::new(|| serde_json::to_vec(&build(&routes())?).map_err(|error| error.to_string()));

/// `GET /api/v1/openapi.json`
pub(super) async fn document() -> Result<Response, Problem> {
    match &*DOCUMENT {
        Ok(document) => {
            Ok(([(header::CONTENT_TYPE, "application/json")], document.as_slice()).into_response())
        }
        Err(reason) => Err(Problem::Fault(reason.clone())),
    }
}

fn build(routes: &[Route]) -> Result<OpenApi, String> {
    let mut components = ComponentsBuilder::new()
        .security_scheme(TOKEN, SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    for (name, shape) in SHAPES {
        components = components.schema(*name, schema(shape)?);
    }
    let paths = routes.iter().fold(PathsBuilder::new(), |paths, route| {
        paths.path(route.path, PathItem::new(route.method.clone(), operation(route)))
    });
    let info = InfoBuilder::new()
        .title("Souk node")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "What a node's owner can do and see. Served on 127.0.0.1 alone; see spec/api.md.",
        ));
    let document = OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components.build()));
    Ok(document.build())
}

fn operation(route: &Route) -> OperationBuilder {
    let mut operation = OperationBuilder::new().summary(Some(route.summary));
    for parameter in parameters(route) {
        operation = operation.parameter(parameter);
    }
    if !route.open {
        operation = operation.security(SecurityRequirement::new(TOKEN, [] as [&str; 0]));
    }
    let body = match route.takes {
        Takes::Nothing => None,
        Takes::Json(shape) => Some(("application/json", Ref::from_schema_name(shape).into())),
        Takes::Bytes(media) => Some((media, text())),
    };
    if let Some((media, schema)) = body {
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let body = RequestBodyBuilder::new()
            .content(media, content)
            .required(Some(Required::True))
            .build();
        operation = operation.request_body(Some(body));
    }
    let (media, schema) = match route.answer {
        Answer::Json(shape) | Answer::Other("application/json", Some(shape)) => {
            ("application/json", named(shape))
        }
        Answer::Other(media, Some(shape)) => (media, named(shape)),
        Answer::Other(media, None) => (media, text()),
    };
    let good = ResponseBuilder::new()
        .description("As wished")
        .content(media, ContentBuilder::new().schema(Some(schema)).build());
    let bad = ResponseBuilder::new()
        .description("Not as wished; the body says why and what to do next")
        .content(
            "application/json",
            ContentBuilder::new().schema(Some(named("Error"))).build(),
        );
    operation.response("2XX", good).response("default", bad)
}

fn named(shape: &str) -> utoipa::openapi::RefOr<Schema> {
    Ref::from_schema_name(shape).into()
}

fn text() -> utoipa::openapi::RefOr<Schema> {
    Schema::from(ObjectBuilder::new().schema_type(SchemaType::new(Type::String))).into()
}

fn parameters(route: &Route) -> Vec<Parameter> {
    let parameter = |name: &str, place: ParameterIn, required: Required| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(required)
            .schema(Some(text()))
            .build()
    };
    let varies = route
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let varies = varies.map(|name| parameter(name, ParameterIn::Path, Required::True));
    let query = route
        .query
        .iter()
        .map(|name| parameter(name, ParameterIn::Query, Required::False));
    varies.chain(query).collect()
}
