//! What clients may send about a device, and the soft errors they get.

use axum::extract::Request;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::body::{self, TEXT_BYTES_MAX};
use crate::query::{Query, number};
use crate::reply::Refusal;

pub(super) const KINDS: [&str; 6] = ["camera", "lamp", "lock", "plug", "sensor", "thermostat"];
const NAME_CHARS_MAX: usize = 64;
const FIRMWARE_BYTES_MAX: usize = 32;
const FIRMWARE_DEFAULT: &str = "0.0.0";
const STATE_DEFAULT: &str = "{}";

const BAD_NAME: Refusal = Refusal::soft("E_NAME", "Bad name");
const BAD_KIND: Refusal = Refusal::soft("E_KIND", "Bad kind");
const BAD_FIRMWARE: Refusal = Refusal::soft("E_FIRMWARE", "Bad firmware");
const BAD_STATE: Refusal = Refusal::soft("E_STATE", "Bad state");
const NOTHING: Refusal = Refusal::soft("E_EMPTY", "Nothing to change");
pub(super) const STALE: Refusal = Refusal::soft("E_STALE", "Device was changed meanwhile");

/// A device to register, as JSON or as a form.
pub(super) struct Posted {
    pub(super) device: Registration,
    pub(super) is_form: bool,
}

impl Posted {
    pub(super) async fn read(request: Request) -> Result<Posted, Refusal> {
        let media = body::media_type(request.headers());
        let is_form = match media.as_deref() {
            None | Some("application/json") => false,
            Some("application/x-www-form-urlencoded") => true,
            Some(_) => return Err(Refusal::MEDIA_TYPE),
        };
        let bytes = body::collect(request, TEXT_BYTES_MAX).await?;
        let device =
            if is_form { Registration::from_form(&bytes) } else { body::from_json(&bytes)? };
        Ok(Posted { device, is_form })
    }
}

/// Fields as sent; `None` is missing or `null`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Registration {
    home_id: Option<i64>,
    name: Option<String>,
    kind: Option<String>,
    firmware: Option<String>,
    state: Option<Box<RawValue>>,
}

/// Fields that passed.
pub(super) struct NewDevice {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) firmware: String,
    /// JSON text of an object, as the client wrote it.
    pub(super) state: String,
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

    pub(super) fn home(&self) -> Option<i64> {
        self.home_id.filter(|&home| home > 0)
    }

    pub(super) fn checked(self) -> Result<NewDevice, Refusal> {
        let name = check_name(self.name.ok_or(BAD_NAME)?)?;
        let kind = self.kind.filter(|kind| KINDS.contains(&kind.as_str())).ok_or(BAD_KIND)?;
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

/// A rename, or a change of firmware or state; as sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Change {
    name: Option<String>,
    firmware: Option<String>,
    state: Option<Box<RawValue>>,
    version: Option<i64>,
}

/// A change that passed; `None` leaves the column alone.
pub(super) struct CheckedChange {
    pub(super) name: Option<String>,
    pub(super) firmware: Option<String>,
    pub(super) state: Option<String>,
    /// The version that the client has seen.
    pub(super) version: Option<i64>,
}

impl Change {
    /// `needs_name` for PUT.
    pub(super) fn checked(self, needs_name: bool) -> Result<CheckedChange, Refusal> {
        if needs_name && self.name.is_none() {
            return Err(BAD_NAME);
        }
        let name = self.name.map(check_name).transpose()?;
        let firmware = self.firmware.map(check_firmware).transpose()?;
        let state = self.state.as_deref().map(check_state).transpose()?;
        if name.is_none() && firmware.is_none() && state.is_none() {
            return Err(NOTHING);
        }
        Ok(CheckedChange { name, firmware, state, version: self.version })
    }
}

fn check_name(name: String) -> Result<String, Refusal> {
    let length = name.chars().count();
    let plain = !name.chars().any(|letter| letter < ' ' || letter == '\u{7f}');
    if plain && (1..=NAME_CHARS_MAX).contains(&length) { Ok(name) } else { Err(BAD_NAME) }
}

fn check_firmware(firmware: String) -> Result<String, Refusal> {
    let plain = firmware.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-".contains(&byte));
    let fits = (1..=FIRMWARE_BYTES_MAX).contains(&firmware.len());
    if plain && fits { Ok(firmware) } else { Err(BAD_FIRMWARE) }
}

fn check_state(state: &RawValue) -> Result<String, Refusal> {
    if state.get().starts_with('{') { Ok(state.get().to_owned()) } else { Err(BAD_STATE) }
}
