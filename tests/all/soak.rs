//! Random worlds under random trouble: see `netsession_tests::soak` for the rules that hold.

use netsession_tests::soak::soak;

/// R-ST-1, R-ST-6, R-GEN-1, R-GEN-3, R-GEN-5, R-GEN-6, R-GEN-9, R-GEN-10, R-OPEN-11, R-REG-6, R-REG-7.
#[test]
fn random_worlds_keep_the_rules_and_come_to_rest() {
    for seed in 0..300 {
        if let Err(violation) = soak(seed, 150) {
            panic!("{violation}");
        }
    }
}
