//! Numbers by value, whatever their text.

/// `-1.50`, `-15e-1` and `-0.150E1` all become `-15e-1`; every zero becomes `0`.
///
/// `None` when `text` is no decimal number, or its exponent is beyond ±2^53. Nothing passes through
/// floating point, so no digit is lost.
pub(super) fn normalize(text: &str) -> Option<String> {
    let (is_negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (mantissa, ""),
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    let trailing_zeros = digits.len() - digits.trim_end_matches('0').len();
    let exponent =
        exponent - i64::try_from(fraction.len()).ok()? + i64::try_from(trailing_zeros).ok()?;
    let sign = if is_negative { "-" } else { "" };
    Some(format!("{sign}{significant}e{exponent}"))
}

fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let exponent: i64 = text.parse().ok()?;
    (is_plain && exponent.abs() <= 1 << 53).then_some(exponent)
}
