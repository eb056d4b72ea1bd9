//! Requests full of what is nobody's business, and two sides that answer with it, each in its own
//! way.

use std::net::SocketAddr;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use http::Request;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::needles::Needles;

/// The one value of an answer that samples may keep.
pub(super) const FLOOR: &str = "the third floor";

/// A side: echoes what it is sent, all over its answer.
pub(super) struct Echo {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Echo {
    /// `mark` is put into every text of its answers.
    pub(super) async fn start(mark: &'static str) -> Echo {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let echo = async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            answer(mark, &method, &uri, &headers, &body)
        };
        let router = Router::new().fallback(echo);
        let task = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Echo { addr, task }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Status, fields and body, with everything in them that came; `mark` tells the sides apart.
fn answer(mark: &str, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = text("x-answer").unwrap_or("json").to_owned();
    let text = |name: &str| text(name).unwrap_or_default().to_owned();
    let said = String::from_utf8_lossy(body).into_owned();
    let mut fields = HeaderMap::new();
    for (name, value) in [
        ("set-cookie", format!("session={}{mark}; Path=/", text("cookie"))),
        ("x-customer", format!("{mark}{}", text("x-customer"))),
        ("location", format!("/people?as={}&side={mark}", text("x-customer"))),
        ("x-floor", FLOOR.to_owned()),
        ("etag", format!("\"{}{mark}\"", text("authorization"))),
    ] {
        fields.insert(name, value.parse().unwrap());
    }
    let status = if kind == "error" { StatusCode::CONFLICT } else { StatusCode::OK };
    let body = match kind.as_str() {
        "text" => format!("{mark} {method} {uri}\n{said}\n").into_response(),
        "form" => {
            let form = [(header::CONTENT_TYPE, "application/x-www-form-urlencoded")];
            (form, format!("side={mark}&{said}")).into_response()
        }
        "bytes" => ([(header::CONTENT_TYPE, "application/octet-stream")], format!("{mark}{said}"))
            .into_response(),
        _ => {
            let mut body = serde_json::from_slice(body).unwrap_or(Value::String(said));
            change(mark, &mut body);
            let fields: Map<String, Value> = headers
                .iter()
                .filter(|(name, _)| *name != "traceparent" && *name != "host")
                .map(|(name, value)| (name.to_string(), format!("{mark}{value:?}").into()))
                .collect();
            Json(json!({ "target": uri.to_string(), "body": body, "fields": fields }))
                .into_response()
        }
    };
    (status, fields, body).into_response()
}

/// Makes every value another one that still says the same.
fn change(mark: &str, value: &mut Value) {
    match value {
        Value::String(text) => *text = format!("{mark}{text}"),
        Value::Number(number) if mark.len() > 3 => {
            *value = serde_json::from_str(&format!("1{number}")).unwrap();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| change(mark, item)),
        Value::Object(fields) => fields.values_mut().for_each(|field| change(mark, field)),
        _ => {}
    }
}

/// Request number `n`; each of its values has a needle of its own.
pub(super) fn request(n: usize, needles: &mut Needles) -> Request<Bytes> {
    let answer = ["json", "json", "text", "form", "error", "bytes"][n % 6];
    let mut email = || format!("{}@home.example", needles.text());
    let (one, two, three, key) = (email(), email(), email(), email());
    let mut token = || needles.text();
    let (bearer, session, code, api) = (token(), token(), token(), token());
    let (name, password, in_text, in_list) = (token(), token(), token(), token());
    let mut number = || needles.digits();
    let (phone, lat, lon, card, iban) = (number(), number(), number(), number(), number());
    let gps = format!("59.{lat},18.{lon}");
    let mut request = Request::builder()
        .uri(format!(
            "/people/{n}?email={}&phone=%2B{phone}&near={gps}&token={code}&page=1",
            one.replace('@', "%40")
        ))
        .header("authorization", format!("Bearer {bearer}"))
        .header("cookie", format!("session={session}"))
        .header("x-customer", format!("Ms {name}"))
        .header("x-api-key", api)
        .header("x-answer", answer);
    if n % 4 == 3 {
        return request.method("GET").body(Bytes::new()).unwrap();
    }
    request = request.method("POST");
    if answer == "form" {
        let form = format!("email={two}&password={password}&card={card}&note=call+{in_text}");
        let media = "application/x-www-form-urlencoded";
        return request.header("content-type", media).body(form.into()).unwrap();
    }
    let body = format!(
        r#"{{"name":"{name} Ångström","email":"{two}","password":"{password}","iban":"SE{iban}",
            "gps":{{"lat":59.{lat},"lon":18.{lon}}},"card":{card},
            "shared_with":{{"{key}":{{"role":"guest","since":"2026-01-01"}}}},
            "devices":[{{"token":"{in_list}"}},{{"note":"call me at {three}, or {in_text}"}}]}}"#
    );
    request.header("content-type", "application/json").body(body.into()).unwrap()
}
