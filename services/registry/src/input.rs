//! What clients may send about a device, and the soft errors they get.

use axum::extract::{FromRequest, Request};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::body;
use crate::query::{Query, number};
use crate::reply::Refusal;

const KINDS: [&str; 6] = ["camera", "lamp", "lock", "plug", "sensor", "thermostat"];
const NAME_CHARS_MAX: usize = 64;
const FIRMWARE_BYTES_MAX: usize = 32;
const FIRMWARE_DEFAULT: &str = "0.0.0";
const STATE_DEFAULT: &str = "{}";

/// A device to register, as JSON or as a form.
pub(crate) struct Posted {
    pub(crate) registration: Registration,
    pub(crate) is_form: bool,
}

/// Fields as sent; `None` is missing or `null`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Registration {
    home_id: Option<i64>,
    name: Option<String>,
    kind: Option<String>,
    firmware: Option<String>,
    state: Option<Box<RawValue>>,
}

/// A registration that passed.
#[derive(Debug)]
pub(crate) struct NewDevice {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) firmware: String,
    /// JSON text of an object, as the client wrote it.
    pub(crate) state: String,
}

/// A rename, or a change of firmware or state; as sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Change {
    name: Option<String>,
    firmware: Option<String>,
    state: Option<Box<RawValue>>,
    version: Option<i64>,
}

/// A change that passed; `None` leaves the column alone.
pub(crate) struct CheckedChange {
    pub(crate) name: Option<String>,
    pub(crate) firmware: Option<String>,
    pub(crate) state: Option<String>,
    /// The version that the client has seen.
    pub(crate) version: Option<i64>,
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Posted, Refusal> {
        let is_form = match body::media_type(request.headers()).as_deref() {
            None | Some("application/json") => false,
            Some("application/x-www-form-urlencoded") => true,
            Some(_) => return Err(Refusal::MEDIA_TYPE),
        };
        let bytes = body::read(request).await?;
        let registration =
            if is_form { Registration::from_form(&bytes) } else { body::from_json(&bytes)? };
        Ok(Posted { registration, is_form })
    }
}

impl Registration {
    /// A form has no `state`.
    fn from_form(bytes: &[u8]) -> Registration {
        let form = Query::parse(bytes);
        let text = |key| form.get(key).map(str::to_owned);
        Registration {
            home_id: form.get("home_id").and_then(number),
            name: text("name"),
            kind: text("kind"),
            firmware: text("firmware").filter(|firmware| !firmware.is_empty()),
            state: None,
        }
    }

    pub(crate) fn home(&self) -> Result<i64, Refusal> {
        self.home_id.filter(|&home| home > 0).ok_or(Refusal::BAD_HOME)
    }

    pub(crate) fn checked(self) -> Result<NewDevice, Refusal> {
        let name = check_name(self.name.ok_or(Refusal::BAD_NAME)?)?;
        let kind =
            self.kind.filter(|kind| KINDS.contains(&kind.as_str())).ok_or(Refusal::BAD_KIND)?;
        let firmware = self.firmware.map(check_firmware).transpose()?;
        let state = self.state.as_deref().map(check_state).transpose()?;
        Ok(NewDevice {
            name,
            kind,
            firmware: firmware.unwrap_or_else(|| FIRMWARE_DEFAULT.to_owned()),
            state: state.unwrap_or_else(|| STATE_DEFAULT.to_owned()),
        })
    }
}

impl Change {
    /// `needs_name` for PUT.
    pub(crate) fn checked(self, needs_name: bool) -> Result<CheckedChange, Refusal> {
        if needs_name && self.name.is_none() {
            return Err(Refusal::BAD_NAME);
        }
        let name = self.name.map(check_name).transpose()?;
        let firmware = self.firmware.map(check_firmware).transpose()?;
        let state = self.state.as_deref().map(check_state).transpose()?;
        if name.is_none() && firmware.is_none() && state.is_none() {
            return Err(Refusal::NOTHING);
        }
        Ok(CheckedChange { name, firmware, state, version: self.version })
    }
}

fn check_name(name: String) -> Result<String, Refusal> {
    let is_plain = !name.chars().any(|letter| letter < ' ' || letter == '\u{7f}');
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    if is_plain && fits { Ok(name) } else { Err(Refusal::BAD_NAME) }
}

fn check_firmware(firmware: String) -> Result<String, Refusal> {
    let is_plain =
        firmware.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-".contains(&byte));
    let fits = (1..=FIRMWARE_BYTES_MAX).contains(&firmware.len());
    if is_plain && fits { Ok(firmware) } else { Err(Refusal::BAD_FIRMWARE) }
}

fn check_state(state: &RawValue) -> Result<String, Refusal> {
    if state.get().starts_with('{') { Ok(state.get().to_owned()) } else { Err(Refusal::BAD_STATE) }
}
