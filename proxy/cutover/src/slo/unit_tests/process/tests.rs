use super::*;
use crate::slo::fixed::FIXED;

#[test]
fn every_alert_is_proven_in_order() {
    assert!(proven().eq(FIXED.iter().map(|fixed| fixed.alert)));
}
