use super::*;
use crate::slo::Scale;

#[test]
fn every_window_is_filled_in() {
    for scale in [Scale::REAL, Scale::new(60).unwrap()] {
        let making = Making { runbooks: String::new(), dashboards: String::new(), scale };
        for fixed in FIXED {
            let expr = fixed.filled(&making);
            let unfilled = ["{5m}", "{30m}", "{1h}", "{budget}"].iter().any(|it| expr.contains(it));
            assert!(!unfilled && !expr.contains("[{"), "{expr}");
        }
    }
}
